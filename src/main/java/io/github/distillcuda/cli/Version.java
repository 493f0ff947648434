package io.github.distillcuda.cli;

import picocli.CommandLine.IVersionProvider;

/** The version of the program and of the Java it runs on. */
final class Version implements IVersionProvider {
  /** Returns the version from the jar's manifest. */
  static String program() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "(not from a jar)" : version;
  }

  @Override
  public String[] getVersion() {
    return new String[] {
      "distill-cuda %s, Java %s (%s)"
          .formatted(program(), Runtime.version(), System.getProperty("java.home"))
    };
  }
}
