package io.github.distillcuda.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Compares the hand-written table with the headers that lie beside the library in its jar. */
class OnednnHeaderTest {
  private static final String HEADERS = headers();

  private static String headers() {
    StringBuilder text = new StringBuilder();
    for (String name :
        List.of("dnnl_common_types.h", "dnnl_types.h", "dnnl_common.h", "dnnl_debug.h", "dnnl.h")) {
      String resource = "/org/bytedeco/dnnl/linux-x86_64/include/oneapi/dnnl/" + name;
      try (InputStream header = OnednnHeaderTest.class.getResourceAsStream(resource)) {
        text.append(new String(header.readAllBytes(), UTF_8));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return text.toString().replaceAll("//.*", "");
  }

  @Test
  void everyConstantHasTheValueOfItsEnumeratorOrMacro() throws IllegalAccessException {
    Map<String, Long> values = enumerators();
    Map<String, String> renamed =
        Map.of(
            "FORMAT_ANY", "dnnl_format_tag_any",
            "FORMAT_A", "dnnl_a",
            "FORMAT_AB", "dnnl_ab",
            "FORMAT_ABC", "dnnl_abc",
            "FORMAT_ABCD", "dnnl_abcd",
            "FORMAT_ACDB", "dnnl_acdb",
            "FORMAT_CDBA", "dnnl_cdba",
            "ELTWISE_RELU_USE_DST", "dnnl_eltwise_relu_use_dst_for_bwd");
    for (Field constant : OnednnConstants.class.getFields()) {
      String name = constant.getName();
      long expected =
          name.startsWith("ARG_")
              ? macro("DNNL_" + name)
              : values.get(renamed.getOrDefault(name, "dnnl_" + name.toLowerCase(Locale.ROOT)));
      assertThat((long) constant.getInt(null)).as(name).isEqualTo(expected);
    }
    assertThat(OnednnConstants.class.getFields()).hasSizeGreaterThan(30);
  }

  private static long macro(String name) {
    Matcher macro = Pattern.compile("#define " + name + "\\s+(\\w+)").matcher(HEADERS);
    assertThat(macro.find()).as(name).isTrue();
    String value = macro.group(1);
    return value.startsWith("DNNL_") ? macro(value) : Long.decode(value);
  }

  /**
   * Returns the enumerators whose value is a number, another enumerator, or one more than before.
   */
  private static Map<String, Long> enumerators() {
    Map<String, Long> values = new HashMap<>();
    Matcher blocks = Pattern.compile("typedef enum \\{(.*?)\\}", Pattern.DOTALL).matcher(HEADERS);
    while (blocks.find()) {
      long next = 0;
      for (String line : blocks.group(1).split(",")) {
        String[] sides = line.strip().split("\\s*=\\s*");
        if (sides.length == 2) {
          String value = sides[1].replaceAll("[uU]$", "");
          next = values.containsKey(value) ? values.get(value) : Long.decode(value);
        }
        values.put(sides[0], next++);
      }
    }
    return values;
  }

  @Test
  void everyFunctionHasTheSignatureOfItsDeclaration() {
    SharedLibrary library = SharedLibrary.open(OnednnLibrary.unpack().resolve("libdnnl.so.3"));
    new OnednnApi(library);
    Map<String, FunctionDescriptor> linked = library.linked();
    assertThat(linked).hasSizeGreaterThan(40);
    linked.forEach(
        (symbol, descriptor) -> {
          Matcher declaration =
              Pattern.compile("([\\w \\n*]+?)\\bDNNL_API\\s*(\\*?)" + symbol + "\\s*\\(([^)]*)\\);")
                  .matcher(HEADERS);
          assertThat(declaration.find()).as(symbol).isTrue();
          List<String> expected = new ArrayList<>();
          expected.add(kind(declaration.group(1) + declaration.group(2)));
          for (String argument : declaration.group(3).split(",")) {
            if (!argument.isBlank() && !argument.strip().equals("void")) {
              // The name is the last word; a star may stick to it.
              expected.add(kind(argument.replaceAll("\\w+\\s*$", "")));
            }
          }
          List<String> actual = new ArrayList<>();
          actual.add(descriptor.returnLayout().map(OnednnHeaderTest::kind).orElse("void"));
          descriptor.argumentLayouts().forEach(layout -> actual.add(kind(layout)));
          assertThat(actual).as(symbol).isEqualTo(expected);
        });
  }

  @Test
  void theNoteListsWhatIsLinked() throws IOException {
    SharedLibrary library = SharedLibrary.open(OnednnLibrary.unpack().resolve("libdnnl.so.3"));
    new OnednnApi(library);
    Set<String> listed = new TreeSet<>();
    for (String line : Files.readAllLines(Path.of("native-notes/onednn.md"))) {
      Matcher symbol = Pattern.compile("`(dnnl_\\w+)`").matcher(line);
      while (line.startsWith("| `dnnl_") && symbol.find()) {
        listed.add(symbol.group(1));
      }
    }
    assertThat(listed).isEqualTo(library.linked().keySet());
  }

  /** Returns how a C type is passed. */
  private static String kind(String type) {
    String name = type.replace("const ", "").strip();
    if (name.contains("*") || name.equals("size_t") || name.equals("dnnl_dims_t")) {
      return "8 bytes";
    }
    if (name.equals("float")) {
      return "float";
    }
    if (name.equals("int") || name.equals("unsigned")) {
      return "4 bytes";
    }
    // An enumeration is an int; everything else that oneDNN typedefs is a pointer to a struct.
    boolean enumeration =
        Pattern.compile("typedef enum \\{[^}]*\\} " + name + ";").matcher(HEADERS).find();
    boolean pointer =
        Pattern.compile("typedef (const )?struct \\w+ \\*" + name + ";").matcher(HEADERS).find();
    assertThat(enumeration ^ pointer).as("typedef of " + name).isTrue();
    return enumeration ? "4 bytes" : "8 bytes";
  }

  private static String kind(MemoryLayout layout) {
    if (layout instanceof ValueLayout.OfFloat) {
      return "float";
    }
    return layout.byteSize() + " bytes";
  }
}
