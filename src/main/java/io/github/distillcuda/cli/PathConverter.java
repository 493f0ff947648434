package io.github.distillcuda.cli;

import io.github.distillcuda.failure.Printable;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the path of an option; an empty one, to Java the current folder, was not meant. */
final class PathConverter implements ITypeConverter<Path> {
  @Override
  public Path convert(String typed) {
    if (typed.isEmpty()) {
      throw new TypeConversionException("it is empty; give a path");
    }
    try {
      return Path.of(typed);
    } catch (InvalidPathException e) {
      throw new TypeConversionException(problem(e));
    }
  }

  /** Returns what is wrong and what to do, in one line. */
  static String problem(InvalidPathException e) {
    return "the path %s cannot be expressed in this locale (%s); set LC_ALL=C.UTF-8"
        .formatted(Printable.line(e.getInput()), e.getReason());
  }
}
