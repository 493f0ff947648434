package io.github.distillcuda.cli;

import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.train.StopSignal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Where tests give commands to the program: each runs in this process, without a terminal, and what
 * it prints is kept. A test states those of its surroundings that matter to it.
 */
final class Shell {
  private final Path folder;
  private final StopSignal stop = new StopSignal();
  private Session.Devices devices = Session.Devices.ofMachine();
  private Consumer<String> listener = line -> {};

  /** For commands without {@code DIR}. */
  Shell() {
    this(Path.of("."));
  }

  /** For commands in which {@code DIR} stands for a folder. */
  Shell(Path folder) {
    this.folder = folder;
  }

  Shell devices(Session.Devices value) {
    devices = value;
    return this;
  }

  /** Asks to stop before anything begins, so that a training ends after its first step. */
  Shell stopAtOnce(ExitCode reason) {
    stop.request(reason);
    return this;
  }

  /** Does something at each line of standard output with a text, before the program goes on. */
  Shell whenPrinted(String text, Runnable reaction) {
    listener =
        line -> {
          if (line.contains(text)) {
            reaction.run();
          }
        };
    return this;
  }

  /** Runs a command, whose words are what stands between blanks. */
  Outcome run(String command) {
    ByteArrayOutputStream out = new Heard();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Session session = new Session(printing(out), printing(err), false, stop, devices);
    String[] words = command.replace("DIR", folder.toString()).strip().split(" +");
    int exitCode = Cli.run(session, words);
    return new Outcome(
        exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static PrintStream printing(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }

  /** Standard output, to which the program writes a line at a time. */
  private final class Heard extends ByteArrayOutputStream {
    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
      super.write(bytes, offset, length);
      listener.accept(new String(bytes, offset, length, StandardCharsets.UTF_8));
    }
  }
}
