package io.github.distillcuda.cuda.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What the committed PTX says of its entry points, read from the text. */
final class PtxEntries {
  static final Path KERNELS = Path.of("kernels");
  private static final Path PTX = KERNELS.resolve("ptx");
  private static final Pattern ENTRY =
      Pattern.compile("\\.visible \\.entry (\\w+)\\((.*?)\\)\\s*(?:\\.maxntid (\\d+), 1, 1)?", 32);
  private static final Pattern PARAMETER = Pattern.compile("\\.param \\.(\\w+) ");

  /**
   * An entry point.
   *
   * @param ptx the file, relative to {@code kernels/ptx}
   * @param parameterTypes such as u64, in order
   * @param maxThreads the declared limit of a block, 0 without one
   */
  record Entry(String ptx, String symbol, List<String> parameterTypes, int maxThreads) {}

  /** An instruction, behind an optional guard and the brace of an inline scope. */
  private static final Pattern INSTRUCTION =
      Pattern.compile("^[\\s{]*(?:@!?%p\\d+\\s+)?([a-z][a-z0-9]*)((?:\\.[a-z0-9_:]+)*)[\\s;]");

  private PtxEntries() {}

  /** Returns the forms of each opcode in use, such as {@code rn.f32} of {@code add}. */
  static SortedMap<String, SortedSet<String>> instructions() {
    SortedMap<String, SortedSet<String>> forms = new TreeMap<>();
    for (Path file : files()) {
      for (String line : read(file).lines().toList()) {
        Matcher instruction = INSTRUCTION.matcher(line);
        if (instruction.find()) {
          String form = instruction.group(2).isEmpty() ? "-" : instruction.group(2).substring(1);
          forms.computeIfAbsent(instruction.group(1), opcode -> new TreeSet<>()).add(form);
        }
      }
    }
    return forms;
  }

  static List<Path> files() {
    try (Stream<Path> paths = Files.walk(PTX)) {
      return paths.filter(path -> path.toString().endsWith(".ptx")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Entry> all() {
    List<Entry> entries = new ArrayList<>();
    for (Path file : files()) {
      String ptx = PTX.relativize(file).toString();
      Matcher entry = ENTRY.matcher(read(file));
      while (entry.find()) {
        List<String> types =
            PARAMETER.matcher(entry.group(2)).results().map(match -> match.group(1)).toList();
        int maxThreads = entry.group(3) == null ? 0 : Integer.parseInt(entry.group(3));
        entries.add(new Entry(ptx, entry.group(1), types, maxThreads));
      }
    }
    return entries;
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
