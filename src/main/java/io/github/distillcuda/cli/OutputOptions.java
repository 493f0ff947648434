package io.github.distillcuda.cli;

import picocli.CommandLine.Option;

/** How a command prints; shared by all commands. */
final class OutputOptions {
  @Option(
      names = "--json",
      description = "print results as JSON on standard output, and nothing else there")
  boolean json;

  @Option(names = "--quiet", description = "print results and errors only")
  boolean quiet;

  @Option(names = "--no-color", description = "no colours and no cursor movement")
  boolean noColor;

  @Option(names = "--debug", description = "print stack traces of errors")
  boolean debug;
}
