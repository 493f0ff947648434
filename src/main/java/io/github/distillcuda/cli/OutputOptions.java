package io.github.distillcuda.cli;

import picocli.CommandLine.Option;

/** How a command prints; shared by all commands. */
final class OutputOptions {
  @Option(
      names = "--json",
      description =
          "print JSON on standard output, one object a line, and nothing else there: in a training"
              + " one of each epoch and at the end what is in metrics.json, else the result")
  boolean json;

  @Option(names = "--quiet", description = "print results, warnings and errors only")
  boolean quiet;

  @Option(names = "--no-color", description = "no colours and no cursor movement")
  boolean noColor;

  @Option(names = "--debug", description = "print stack traces of errors")
  boolean debug;
}
