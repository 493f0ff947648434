package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateDictTest {
  private static final Path FILE = Path.of("teacher.pth");
  private static final SequencedMap<String, Shape> MODEL = new LinkedHashMap<>();

  static {
    MODEL.put("conv.weight", Shape.of(2, 3));
    MODEL.put("conv.bias", Shape.of(2));
    MODEL.put("fc.bias", Shape.of(2));
  }

  @Test
  void bringsTheArraysIntoTheOrderOfTheModel() {
    List<NamedArray> file =
        List.of(array("fc.bias", 2), array("conv.weight", 2, 3), array("conv.bias", 2));
    List<NamedArray> matched = StateDict.match(FILE, MODEL, file, Map.of());
    assertThat(matched).containsExactly(file.get(1), file.get(2), file.get(0));
  }

  @Test
  void saysBothShapes() {
    List<NamedArray> file =
        List.of(array("conv.weight", 4, 3), array("conv.bias", 4), array("fc.bias", 2));
    assertRefused(
        file,
        Map.of(),
        ExitCode.DATA,
        "teacher.pth: conv.weight is [4, 3] in the file but [2, 3] in the model, conv.bias is [4]"
            + " in the file but [2] in the model; give a file of a model of these"
            + " shapes");
  }

  @Test
  void namesWhatIsMissingAndWhatIsUnexpected() {
    List<NamedArray> file = List.of(array("conv.weight", 2, 3), array("extra", 9));
    assertRefused(
        file,
        Map.of(),
        ExitCode.DATA,
        "teacher.pth: it is not of this model: it lacks conv.bias, fc.bias and has extra;"
            + " --rename old=new maps names");
    assertRefused(
        List.of(),
        Map.of(),
        ExitCode.DATA,
        "teacher.pth: it is not of this model: it lacks conv.weight, conv.bias, fc.bias;"
            + " save the whole state_dict");
    assertRefused(
        List.of(
            array("conv.weight", 2, 3),
            array("conv.bias", 2),
            array("fc.bias", 1),
            array("more", 1)),
        Map.of(),
        ExitCode.DATA,
        "teacher.pth: it is not of this model: it also has more; save the file without that");
  }

  @Test
  void namesTheFirstFewOfMany() {
    List<NamedArray> file = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      file.add(array("x" + i, 1));
    }
    assertThatThrownBy(() -> StateDict.match(FILE, MODEL, file, Map.of()))
        .hasMessageContaining("and has x0, x1, x2, x3 and 3 more;");
  }

  @Test
  void asksBeforeItPairsOtherNamesByTheirOrder() {
    List<NamedArray> file =
        List.of(array("0.weight", 2, 3), array("conv.bias", 2), array("1.bias", 2));
    assertRefused(
        file,
        Map.of(),
        ExitCode.DATA,
        "teacher.pth: the shapes fit but the names differ; if this is the order meant, add --rename"
            + " 0.weight=conv.weight --rename 1.bias=fc.bias");
    List<NamedArray> matched =
        StateDict.match(FILE, MODEL, file, Map.of("0.weight", "conv.weight", "1.bias", "fc.bias"));
    assertThat(matched).extracting(NamedArray::name).containsExactlyElementsOf(MODEL.keySet());
    assertThat(matched.getFirst().values()).isSameAs(file.getFirst().values());
  }

  @Test
  void swapsNames() {
    List<NamedArray> file =
        List.of(array("conv.weight", 2, 3), array("fc.bias", 2), array("conv.bias", 2));
    List<NamedArray> matched =
        StateDict.match(FILE, MODEL, file, Map.of("fc.bias", "conv.bias", "conv.bias", "fc.bias"));
    assertThat(matched.get(1).values()).isSameAs(file.get(1).values());
  }

  @Test
  void refusesARenameThatDoesNotApply() {
    List<NamedArray> file = List.of(array("a", 2, 3), array("b", 2));
    assertRefused(
        file,
        Map.of("c", "conv.weight"),
        ExitCode.USAGE,
        "teacher.pth: --rename of c, but the file has a, b");
    assertRefused(
        file,
        Map.of("a", "b"),
        ExitCode.USAGE,
        "teacher.pth: --rename gives two tensors the name b");
  }

  @Test
  void keepsHostileNamesInTheLine() {
    assertThatThrownBy(
            () -> StateDict.match(FILE, MODEL, List.of(array("a\n\u001b[2J\u202e", 1)), Map.of()))
        .hasMessageContaining("and has a\\u{00000a}\\u{00001b}[2J\\u{00202e};");
  }

  @Test
  void takesPrefixesOffOnlyIfAllNamesHaveThem() {
    assertThat(StateDict.withoutPrefixes(List.of(array("module.a", 1), array("module.b", 1))))
        .extracting(NamedArray::name)
        .containsExactly("a", "b");
    assertThat(StateDict.withoutPrefixes(List.of(array("module._orig_mod.a", 1))))
        .extracting(NamedArray::name)
        .containsExactly("a");
    assertThat(StateDict.withoutPrefixes(List.of(array("_orig_mod.module.a", 1))))
        .extracting(NamedArray::name)
        .containsExactly("a");
    assertThat(StateDict.withoutPrefixes(List.of(array("module.a", 1), array("b", 1))))
        .extracting(NamedArray::name)
        .containsExactly("module.a", "b");
    assertThat(StateDict.withoutPrefixes(List.of())).isEmpty();
    String endless = "module.".repeat(1 << 20);
    assertThat(StateDict.withoutPrefixes(List.of(array(endless, 1)))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void namesTheElementThatIsNoNumber(float bad) {
    NamedArray array = array("fc.weight", 2, 3, 4);
    array.values()[17] = bad;
    assertThatThrownBy(() -> StateDict.requireFinite(FILE, List.of(array("ok", 5), array)))
        .hasMessage(
            "teacher.pth: fc.weight has "
                + bad
                + " at [1, 1, 1]; take a file from before the training diverged")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.NOT_FINITE);
    array.values()[17] = Float.MAX_VALUE;
    StateDict.requireFinite(FILE, List.of(array));
  }

  private static void assertRefused(
      List<NamedArray> file, Map<String, String> renames, ExitCode code, String message) {
    assertThatThrownBy(() -> StateDict.match(FILE, MODEL, file, renames))
        .hasMessage(message)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(code);
  }

  private static NamedArray array(String name, int... extents) {
    Shape shape = Shape.of(extents);
    return new NamedArray(name, shape, new float[shape.elements()]);
  }
}
