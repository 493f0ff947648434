package io.github.distillcuda.cli;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.train.StopSignal;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program: {@code java -jar distill-cuda.jar [COMMAND] [OPTIONS]}. */
public final class Cli {
  private Cli() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT);
    StopSignal stop = new StopSignal();
    StopSignals.listen(
        exitCode -> {
          stop.request(exitCode);
          if (!stop.isHeeded()) {
            Runtime.getRuntime().halt(exitCode.value());
          }
        });
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.exit(run(new Session(out, System.err, isTerminal(), stop), args));
  }

  /** Behind a launcher, standard input is a pipe, so the launcher says what it saw itself. */
  private static boolean isTerminal() {
    return Boolean.getBoolean("distillcuda.terminal")
        || System.console() != null && System.console().isTerminal();
  }

  /**
   * Runs a command.
   *
   * @return the exit code
   */
  static int run(Session session, String... args) {
    CommandLine root = new CommandLine(new RunCommand(session)).setCommandName("distill-cuda");
    root.addSubcommand(new RunCommand(session));
    root.addSubcommand(new TrainTeacherCommand(session));
    root.addSubcommand(new BaselineCommand(session));
    root.addSubcommand(new DistillCommand(session));
    root.addSubcommand(new EvalCommand(session));
    root.addSubcommand(new ExportCommand(session));
    root.addSubcommand(
        new CommandLine(new DataCommand(session))
            .addSubcommand(new DataCommand.Fetch(session))
            .addSubcommand(new DataCommand.Verify(session))
            .addSubcommand(new DataCommand.Synthesize(session)));
    root.addSubcommand(new InfoCommand(session));
    root.addSubcommand(new VerifyCommand(session));
    root.addSubcommand(new BenchCommand(session));
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.setOut(new PrintWriter(session.out(), true));
    root.setErr(new PrintWriter(session.err(), true));
    root.setParameterExceptionHandler((e, _) -> usageFailure(session, e));
    root.setExecutionExceptionHandler((e, command, _) -> failure(session, e, command));
    root.setExecutionStrategy(
        parsed -> {
          if (parsed.hasSubcommand() && !parsed.matchedOptions().isEmpty()) {
            throw new ParameterException(
                root,
                "%s stands before the command and would be lost; put options behind it"
                    .formatted(parsed.matchedOptions().getFirst().longestName()));
          }
          return new CommandLine.RunLast().execute(parsed);
        });
    return root.execute(args);
  }

  private static int usageFailure(Session session, ParameterException e) {
    String line = e.getMessage();
    if (e instanceof UnmatchedArgumentException unmatched) {
      List<String> suggestions = unmatched.getSuggestions();
      line =
          "unknown: %s%s"
              .formatted(
                  String.join(" ", unmatched.getUnmatched()),
                  suggestions.isEmpty() ? "" : "; did you mean " + suggestions.getFirst() + "?");
    }
    session
        .err()
        .println(
            "distill-cuda: %s (see %s --help)"
                .formatted(
                    line.lines().findFirst().orElse(""),
                    e.getCommandLine().getCommandSpec().qualifiedName()));
    return ExitCode.USAGE.value();
  }

  private static int failure(Session session, Exception e, CommandLine command) {
    if (session.terminal()) {
      session.err().print(ConsoleReporter.CLEAR_LINE);
    }
    boolean debug = command.getCommand() instanceof Command c && c.output.debug;
    if (!(e instanceof DistillException expected) || expected.exitCode() == ExitCode.BUG) {
      session.err().println("distill-cuda: this is a defect, please report it:");
      e.printStackTrace(session.err());
      return ExitCode.BUG.value();
    }
    session.err().println("distill-cuda: " + expected.getMessage());
    if (debug) {
      expected.printStackTrace(session.err());
    }
    return expected.exitCode().value();
  }
}
