package io.github.distillcuda.emulator.ptx;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A named piece of memory that an entry uses.
 *
 * @param bytes its size; 0 for {@code extern .shared}, whose size the launch gives
 */
public record Variable(Space space, String name, int alignment, int bytes) {
  /** Where a variable lives. */
  public enum Space {
    SHARED,
    LOCAL
  }

  private static final Pattern LOCAL_NAME = Pattern.compile("_ZZ(\\d+)(\\w+)");
  private static final Pattern INNER_NAME = Pattern.compile("E\\d+([A-Za-z_]\\w*?)(_\\d+)?");

  /** The name in the CUDA source: {@code s} for {@code _ZZ6kernelE1s}, where that is the form. */
  public String sourceName() {
    Matcher local = LOCAL_NAME.matcher(name);
    if (local.matches()) {
      int length = Integer.parseInt(local.group(1));
      Matcher inner = INNER_NAME.matcher(local.group(2).substring(length));
      return inner.matches() ? inner.group(1) : name;
    }
    return name;
  }

  public boolean isSizedByLaunch() {
    return bytes == 0;
  }
}
