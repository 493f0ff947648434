package io.github.distillcuda.launch;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The program in a newer Java, as a child of this process.
 *
 * <p>The child's standard input is a pipe that this process holds open. The pipe carries one letter
 * for each signal that arrives here, and ends when this process does, however it ends. A signal is
 * never sent on as a signal: Ctrl-C and service managers signal every process of the group, so the
 * child would count one request twice and take the second for "stop at once". From the letters it
 * can tell which requests it has heard already.
 */
public final class ChildProcess {
  /** Set in the child, where it says that standard input is the pipe. */
  static final String LAUNCHED_PROPERTY = "distillcuda.launched";

  /** Set in the child where this process has a terminal, which the child cannot see itself. */
  private static final String TERMINAL_PROPERTY = "distillcuda.terminal";

  private static final List<String> SIGNALS = Arrays.asList("INT", "TERM", "HUP");

  private ChildProcess() {}

  /** Returns whether this process was started by another one's {@link #run}. */
  public static boolean isThisProcess() {
    return Boolean.getBoolean(LAUNCHED_PROPERTY);
  }

  /** Returns whether it was, and that one had a terminal. */
  public static boolean hasTerminal() {
    return Boolean.getBoolean(TERMINAL_PROPERTY);
  }

  /** Runs the program with these arguments in that Java, and returns its exit code. */
  static int run(JavaHome java, String[] args) throws NoJdkException, InterruptedException {
    Process child = start(java, args);
    OutputStream pipe = child.getOutputStream();
    for (String signal : SIGNALS) {
      Signals.handle(signal, () -> tell(pipe, signal.charAt(0)));
    }
    return child.waitFor();
  }

  private static Process start(JavaHome java, String[] args) throws NoJdkException {
    try {
      return new ProcessBuilder(command(java, args))
          .redirectOutput(Redirect.INHERIT)
          .redirectError(Redirect.INHERIT)
          .start();
    } catch (IOException e) {
      throw new NoJdkException(
          java
              + " does not start: "
              + e.getMessage()
              + ". Repair it, or set DISTILL_JAVA_HOME to the folder of another.");
    }
  }

  private static List<String> command(JavaHome java, String[] args) {
    List<String> command = new ArrayList<>();
    command.add(java.executable().getPath());
    // The jar's manifest grants this only to "java -jar".
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-D" + LAUNCHED_PROPERTY + "=true");
    command.add("-D" + TERMINAL_PROPERTY + "=" + (System.console() != null));
    for (String argument : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (argument.startsWith("-X") || argument.startsWith("-D") || argument.startsWith("-ea")) {
        command.add(argument);
      }
    }
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Main.class.getName());
    command.addAll(Arrays.asList(args));
    return command;
  }

  private static synchronized void tell(OutputStream pipe, char letter) {
    try {
      pipe.write(letter);
      pipe.flush();
    } catch (IOException e) {
      // The child has just ended: waitFor() is about to return its exit code.
    }
  }
}
