package io.github.distillcuda.launch;

import java.lang.reflect.InvocationTargetException;

/**
 * The main class of the jar. On Java {@value #REQUIRED_JAVA} or newer it calls the program and is
 * done; an older Java finds a newer one, starts the program there and ends with its exit code.
 */
public final class Main {
  static final int REQUIRED_JAVA = 25;
  static final int EXIT_USAGE = 2;
  static final int EXIT_NO_JDK = 78;

  private static final String PROGRAM = "io.github.distillcuda.cli.Cli";

  private Main() {}

  /**
   * Runs the program with these arguments, here or in a newer Java.
   *
   * @throws Throwable what the program itself threw
   */
  public static void main(String[] args) throws Throwable {
    String problem = LocaleCheck.problem(args, System.getenv());
    if (problem != null) {
      System.err.println("distill-cuda: " + problem);
      System.exit(EXIT_USAGE);
    }
    int thisJava = JavaHome.featureOf(System.getProperty("java.specification.version"));
    if (thisJava >= REQUIRED_JAVA) {
      runHere(args);
    } else {
      System.exit(runInNewerJava(thisJava, args));
    }
  }

  private static void runHere(String[] args) throws Throwable {
    try {
      Class.forName(PROGRAM).getMethod("main", String[].class).invoke(null, (Object) args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static int runInNewerJava(int thisJava, String[] args) throws InterruptedException {
    try {
      if (ChildProcess.isThisProcess()) {
        throw new NoJdkException(
            "The release file there says otherwise. Repair that installation,"
                + " or set DISTILL_JAVA_HOME to the folder of another.");
      }
      return ChildProcess.run(JdkFinder.ofThisMachine().find(REQUIRED_JAVA), args);
    } catch (NoJdkException e) {
      System.err.printf(
          "distill-cuda needs a JDK %d or newer; this is Java %d in %s.%n%s%n",
          REQUIRED_JAVA, thisJava, System.getProperty("java.home"), e.getMessage());
      return EXIT_NO_JDK;
    }
  }
}
