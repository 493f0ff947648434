package io.github.distillcuda.cli;

import java.util.HashSet;
import java.util.Set;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** Checks what was typed as {@code --rename OLD=NEW}, of which picocli keeps the last of each. */
final class Renames {
  private static final String OPTION = "--rename";

  private Renames() {}

  /** Refuses an empty name, and a second one for the same tensor. */
  static void check(ParseResult parsed) {
    OptionSpec option = parsed.matchedOption(OPTION);
    if (option == null) {
      return;
    }
    Set<String> renamed = new HashSet<>();
    for (String typed : option.originalStringValues()) {
      String[] names = typed.split("=", 2);
      if (names[0].isEmpty() || names[1].isEmpty()) {
        throw Ranges.usage(
            parsed.commandSpec(), "%s %s: must be OLD=NEW, two names".formatted(OPTION, typed));
      }
      if (!renamed.add(names[0])) {
        throw Ranges.usage(
            parsed.commandSpec(),
            "%s gives %s a second name, %s; leave one out".formatted(OPTION, names[0], names[1]));
      }
    }
  }
}
