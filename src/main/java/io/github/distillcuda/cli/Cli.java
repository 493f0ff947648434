package io.github.distillcuda.cli;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.data.DataChoice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.launch.ChildProcess;
import io.github.distillcuda.train.StopSignal;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program: {@code java -jar distill-cuda.jar [COMMAND] [OPTIONS]}. */
public final class Cli {
  /** The commands, in the order of the help. */
  private enum Verb {
    RUN,
    TRAIN_TEACHER,
    BASELINE,
    DISTILL,
    EVAL,
    EXPORT,
    DATA,
    INFO,
    VERIFY,
    BENCH;

    /** As it is typed. */
    private final String word = name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private Cli() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT);
    StopSignal stop = new StopSignal();
    StopSignals.listen(
        exitCode -> {
          stop.request(exitCode);
          if (!stop.isHeeded()) {
            Backends.abandon(exitCode.value());
          }
        });
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    Session session = new Session(out, System.err, isTerminal(), stop, Session.Devices.ofMachine());
    int exitCode = run(session, args);
    if (exitCode == ExitCode.DEVICE.value()) {
      // The GPU may hang, and then nothing that knows of it ends by itself.
      out.flush();
      System.err.flush();
      Backends.abandon(exitCode);
    }
    if (exitCode == ExitCode.DONE.value() && StandardOutput.isLost(out)) {
      System.err.println(
          "distill-cuda: cannot write standard output, so that results are missing there; free"
              + " space or send it elsewhere (files that the command wrote are complete)");
      exitCode = ExitCode.DISK.value();
    }
    System.exit(exitCode);
  }

  /** Behind a launcher, standard input is a pipe, so the launcher says what it saw itself. */
  private static boolean isTerminal() {
    return ChildProcess.hasTerminal() || System.console() != null && System.console().isTerminal();
  }

  /**
   * Runs a command.
   *
   * @return the exit code
   */
  static int run(Session session, String... args) {
    List<String> words = List.of(args);
    // Help lists all commands; a file of arguments may name any.
    boolean needsAll =
        words.contains("--help")
            || words.contains("-h")
            || words.stream().anyMatch(word -> word.startsWith("@"));
    return execute(session, parser(session, needsAll ? null : words), args);
  }

  /**
   * Returns the parser of the command line.
   *
   * @param words the commands to know, each of which takes 10 ms to read the options of, among
   *     other words; null for all
   */
  private static CommandLine parser(Session session, List<String> words) {
    CommandLine root = new CommandLine(new RunCommand(session)).setCommandName("distill-cuda");
    for (Verb verb : Verb.values()) {
      if (words == null || words.contains(verb.word)) {
        root.addSubcommand(verb.word, command(verb, session));
      }
    }
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.registerConverter(Path.class, new PathConverter());
    readByName(root, DataChoice.class);
    readByName(root, Engine.class);
    readByName(root, Kernels.class);
    readByName(root, Layers.class);
    readByName(root, Precision.class);
    listExitCodes(root);
    return root;
  }

  /** Lets a failure list the values as they are typed; picocli lists their names in Java. */
  private static <E extends Enum<E>> void readByName(CommandLine root, Class<E> type) {
    List<E> values = List.of(type.getEnumConstants());
    root.registerConverter(
        type,
        word ->
            values.stream()
                .filter(value -> value.toString().equalsIgnoreCase(word))
                .findFirst()
                .orElseThrow(
                    () ->
                        new TypeConversionException(
                            "expected one of %s but was '%s'".formatted(values, word))));
  }

  /** Lets the help of a command and of those below it end with the exit codes. */
  private static void listExitCodes(CommandLine command) {
    Map<String, String> codes = new LinkedHashMap<>();
    for (ExitCode code : ExitCode.values()) {
      codes.put(Integer.toString(code.value()), code.meaning());
    }
    command
        .getCommandSpec()
        .usageMessage()
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(codes);
    command.getSubcommands().values().forEach(Cli::listExitCodes);
  }

  private static int execute(Session session, CommandLine root, String[] args) {
    root.setOut(new PrintWriter(session.out(), true));
    root.setErr(new PrintWriter(session.err(), true));
    root.setParameterExceptionHandler((e, all) -> usageFailure(session, e, all));
    root.setExecutionExceptionHandler((e, command, _) -> failure(session, e, command));
    root.setExecutionStrategy(
        parsed -> {
          if (parsed.hasSubcommand() && !parsed.matchedOptions().isEmpty()) {
            throw new ParameterException(
                root,
                "%s stands before the command, where it has no effect; put it behind the command"
                    .formatted(typed(parsed.matchedOptions().getFirst(), args)));
          }
          for (CommandLine command : parsed.asCommandLineList()) {
            Renames.check(command.getParseResult());
          }
          return new CommandLine.RunLast().execute(parsed);
        });
    try {
      return root.execute(args);
    } catch (OutOfMemoryError e) {
      return outOfMemory(session, e, beginsTraining(root));
    }
  }

  private static Object command(Verb verb, Session session) {
    return switch (verb) {
      case RUN -> new RunCommand(session);
      case TRAIN_TEACHER -> new TrainTeacherCommand(session);
      case BASELINE -> new BaselineCommand(session);
      case DISTILL -> new DistillCommand(session);
      case EVAL -> new EvalCommand(session);
      case EXPORT -> new ExportCommand(session);
      case DATA ->
          new CommandLine(new DataCommand(session))
              .addSubcommand(new DataCommand.Fetch(session))
              .addSubcommand(new DataCommand.Verify(session))
              .addSubcommand(new DataCommand.Synthesize(session));
      case INFO -> new InfoCommand(session);
      case VERIFY -> new VerifyCommand(session);
      case BENCH -> new BenchCommand(session);
    };
  }

  /**
   * Whether the command trains from the beginning; a resumed run keeps the images it began with.
   */
  private static boolean beginsTraining(CommandLine root) {
    ParseResult parsed = root.getParseResult();
    return parsed != null
        && parsed.asCommandLineList().getLast().getCommand() instanceof TrainingCommand command
        && command.training.resume == null;
  }

  private static int outOfMemory(Session session, OutOfMemoryError e, boolean mayTakeFewer) {
    session
        .err()
        .println(
            ("distill-cuda: Java may use %d MiB of memory and needs more (%s); start it with"
                    + " java -Xmx1g%s")
                .formatted(
                    Runtime.getRuntime().maxMemory() >> 20,
                    e.getMessage(),
                    mayTakeFewer ? ", or train on fewer images with --subset" : ""));
    return ExitCode.DATA.value();
  }

  private static int usageFailure(Session session, ParameterException e, String[] args) {
    String line = e.getMessage();
    ArgSpec argument =
        e instanceof MissingParameterException missing && missing.getMissing().size() == 1
            ? missing.getMissing().getFirst()
            : e.getArgSpec();
    if (argument instanceof OptionSpec option) {
      line = line.replace("'" + option.longestName() + "'", "'" + typed(option, args) + "'");
    }
    if (e instanceof UnmatchedArgumentException unmatched) {
      List<String> meant = suggestions(unmatched);
      line =
          "unknown: %s%s"
              .formatted(
                  String.join(" ", unmatched.getUnmatched()),
                  meant.isEmpty() ? "" : "; did you mean " + String.join(" or ", meant) + "?");
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

  /** Returns the name by which an option was given; its longest where a file of arguments did. */
  private static String typed(OptionSpec option, String[] args) {
    return Stream.of(args)
        .map(arg -> arg.split("=", 2)[0])
        .filter(List.of(option.names())::contains)
        .findFirst()
        .orElse(option.longestName());
  }

  /** Returns the options, or the commands, that were perhaps meant by the first unknown word. */
  private static List<String> suggestions(UnmatchedArgumentException unmatched) {
    String typed = unmatched.getUnmatched().getFirst().split("=", 2)[0];
    CommandLine command = unmatched.getCommandLine();
    if (typed.startsWith("-")) {
      Map<String, OptionSpec> options = command.getCommandSpec().optionsMap();
      Set<OptionSpec> suggested = new HashSet<>(); // each by one of its names
      return NearestNames.of(typed, options.keySet()).stream()
          .filter(name -> suggested.add(options.get(name)))
          .toList();
    }
    // What was meant may be one of the commands that were not needed so far.
    return NearestNames.of(
        typed,
        command.getParent() == null
            ? Stream.of(Verb.values()).map(verb -> verb.word).toList()
            : command.getSubcommands().keySet());
  }

  private static int failure(Session session, Exception e, CommandLine command) {
    if (session.terminal()) {
      session.err().print(ConsoleReporter.CLEAR_LINE);
    }
    if (e instanceof InvalidPathException named) {
      // Of the config.json of a run that is resumed; options have been read before.
      session.err().println("distill-cuda: " + PathConverter.problem(named));
      return ExitCode.USAGE.value();
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
