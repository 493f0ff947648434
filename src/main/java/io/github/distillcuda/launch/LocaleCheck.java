package io.github.distillcuda.launch;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Finds names that Java could not read in the locale at hand: where that is not UTF-8, as in a
 * container that sets none, each byte of an é arrives as U+FFFD, and a file of that name would be
 * another than was meant. So the program does not start, but for its help and its version, which
 * name no file.
 */
final class LocaleCheck {
  private static final char UNREADABLE = '\uFFFD';

  private static final List<String> VARIABLES =
      Arrays.asList("XDG_CACHE_HOME", "HOME", "DISTILL_JAVA_HOME", "DISTILL_CUDA_LIBS");

  private static final List<String> FREE_OF_NAMES =
      Arrays.asList("--help", "-h", "--version", "-V");

  private LocaleCheck() {}

  /** Returns what cannot be read and what to do, in one line; null where everything can. */
  static String problem(String[] arguments, Map<String, String> environment) {
    if (!Collections.disjoint(Arrays.asList(arguments), FREE_OF_NAMES)) {
      return null;
    }
    for (int i = 0; i < arguments.length; i++) {
      if (isUnreadable(arguments[i])) {
        boolean isValue = i > 0 && arguments[i - 1].startsWith("--");
        String option = isValue ? arguments[i - 1] + " " : "";
        return problem("the argument " + option + arguments[i]);
      }
    }
    String folder = System.getProperty("user.dir");
    if (isUnreadable(folder)) {
      return problem("the working folder " + folder);
    }
    for (String variable : VARIABLES) {
      String value = environment.getOrDefault(variable, "");
      if (isUnreadable(value)) {
        return problem("the variable " + variable + "=" + value);
      }
    }
    String home = System.getProperty("user.home");
    boolean homeIsUsed = environment.getOrDefault("HOME", "").isEmpty();
    return homeIsUsed && isUnreadable(home) ? problem("the home folder " + home) : null;
  }

  private static boolean isUnreadable(String text) {
    return text.indexOf(UNREADABLE) >= 0;
  }

  private static String problem(String what) {
    String encoding = System.getProperty("sun.jnu.encoding");
    String shown = what.replace(UNREADABLE, '?').replaceAll("[\\p{C}\\p{Zl}\\p{Zp}]", "?");
    return "UTF-8".equals(encoding)
        ? shown
            + " has bytes that are not UTF-8; rename it, or set LC_ALL to the locale that it is of"
        : shown
            + " cannot be expressed in this locale, of which the encoding is "
            + encoding
            + "; set LC_ALL=C.UTF-8";
  }
}
