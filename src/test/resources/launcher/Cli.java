package io.github.distillcuda.cli;

import io.github.distillcuda.failure.ExitCode;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;

/** Stands in for the program in LauncherTest, which compiles this file. */
public final class Cli {
  private Cli() {}

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "show" -> show(args);
      case "exit" -> System.exit(Integer.parseInt(args[1]));
      case "throw" -> throw new IllegalStateException("thrown by the program");
      case "train" -> train(Path.of(args[1]), Long.parseLong(args[2]));
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void show(String[] args) {
    System.out.println("pid " + ProcessHandle.current().pid());
    System.out.println("java " + Runtime.version().feature());
    System.out.println("property " + System.getProperty("test.property"));
    System.out.println("jvm " + ManagementFactory.getRuntimeMXBean().getInputArguments());
    for (String arg : args) {
      System.out.println("arg [" + arg + "]");
    }
  }

  /** "Trains" until a stop is asked for, then "saves" for so many milliseconds. */
  private static void train(Path log, long saveMillis) throws Exception {
    var stop = new CompletableFuture<ExitCode>();
    StopSignals.listen(stop::complete);
    System.out.println("training " + ProcessHandle.current().pid());
    ExitCode code = stop.get();
    append(log, "saving\n");
    Thread.sleep(saveMillis);
    append(log, "saved\n");
    System.exit(code.value());
  }

  private static void append(Path log, String line) throws Exception {
    Files.writeString(log, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }
}
