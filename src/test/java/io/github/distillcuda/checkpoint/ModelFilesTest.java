package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFilesTest {
  private static final List<String> FORMATS = List.of(".safetensors", ".pth", ".pt");

  @TempDir Path folder;

  @Test
  void readsBackTheBitsThatItWrote() {
    List<NamedArray> arrays = new ArrayList<>(HashedModel.arrays());
    float[] odd = {0f, -0f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NaN, 1f / 3};
    odd[4] = Float.intBitsToFloat(0x7fc12345); // the payload of a NaN is kept too
    arrays.add(new NamedArray("odd", Shape.of(1, 6, 1), odd));
    arrays.add(new NamedArray("scalar", Shape.of(), new float[] {7}));
    arrays.add(new NamedArray("none", Shape.of(4, 0), new float[0]));
    arrays.add(new NamedArray("ä \"quoted\" \u2028 名\n", Shape.of(1), new float[] {1}));
    for (String format : FORMATS) {
      Path file = folder.resolve("model" + format);
      ModelFiles.write(file, arrays);
      assertThat(HashedModel.describe(ModelFiles.read(file)))
          .isEqualTo(HashedModel.describe(arrays));
    }
  }

  @Test
  void readsBackNoTensors() {
    for (String format : FORMATS) {
      Path file = folder.resolve("none" + format);
      ModelFiles.write(file, List.of());
      assertThat(ModelFiles.read(file)).isEmpty();
    }
  }

  @Test
  void goesByTheContentAndNotByTheName() throws IOException {
    Path file = folder.resolve("model.pth");
    ModelFiles.write(file, HashedModel.arrays());
    Path renamed = Files.move(file, folder.resolve("weights.safetensors"));
    assertThat(ModelFiles.read(renamed)).hasSize(8);
  }

  @Test
  void writesTheSameBytesForTheSameArrays() throws Exception {
    for (String format : FORMATS) {
      Path first = folder.resolve("first" + format);
      Path second = folder.resolve("second" + format);
      ModelFiles.write(first, HashedModel.arrays());
      Thread.sleep(5); // a time stamp of milliseconds would differ
      ModelFiles.write(second, HashedModel.arrays());
      assertThat(second).hasSameBinaryContentAs(first);
    }
  }

  @Test
  void writesSafetensorsToTheLetter() throws IOException {
    Path file = folder.resolve("a.safetensors");
    ModelFiles.write(
        file,
        List.of(
            new NamedArray("b", Shape.of(1, 2), new float[] {1, -2}),
            new NamedArray("a", Shape.of(), new float[] {3})));
    String header =
        """
        {"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},\
        "a":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}\
        """;
    int padded = (header.length() + 7) / 8 * 8;
    ByteBuffer expected = ByteBuffer.allocate(8 + padded + 12).order(ByteOrder.LITTLE_ENDIAN);
    expected.putLong(padded).put(header.getBytes(StandardCharsets.US_ASCII));
    while (expected.position() < 8 + padded) {
      expected.put((byte) ' ');
    }
    expected.putFloat(1).putFloat(-2).putFloat(3);
    assertThat(Files.readAllBytes(file)).isEqualTo(expected.array());
  }

  @Test
  void writesArchivesThatTheJdkReadsToo() throws IOException {
    Path file = folder.resolve("a.pth");
    ModelFiles.write(file, HashedModel.arrays());
    byte[] bytes = Files.readAllBytes(file);
    try (ZipFile zip = new ZipFile(file.toFile())) {
      assertThat(zip.size()).isEqualTo(3 + HashedModel.SHAPES.size());
      for (int i = 0; i < HashedModel.SHAPES.size(); i++) {
        ZipEntry entry = zip.getEntry("archive/data/" + i);
        byte[] data = zip.getInputStream(entry).readAllBytes();
        // The content is unique, so where it is found is where it lies: at a multiple of 64.
        int at =
            new String(bytes, StandardCharsets.ISO_8859_1)
                .indexOf(new String(data, StandardCharsets.ISO_8859_1));
        assertThat(at % 64).isZero();
        assertThat(ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getFloat())
            .isEqualTo(HashedModel.value(i, 0));
      }
    }
  }

  @Test
  @ResourceLock(Resources.LOCALE)
  void doesNotCareForTheLocaleOrTheCharactersOfThePath() throws IOException {
    Locale before = Locale.getDefault();
    try {
      for (String language : List.of("tr-TR", "ar-EG-u-nu-arab", "hi-IN-u-nu-deva")) {
        Locale.setDefault(Locale.forLanguageTag(language));
        Path place = Files.createDirectories(folder.resolve("ä b/'" + language + "' $x"));
        for (String name : List.of("MODEL ı.SAFETENSORS", "MODEL İ.PT")) {
          ModelFiles.write(place.resolve(name), HashedModel.arrays());
          assertThat(HashedModel.describe(ModelFiles.read(place.resolve(name))))
              .isEqualTo(HashedModel.describe(HashedModel.arrays()));
        }
      }
    } finally {
      Locale.setDefault(before);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"model", "model.bin", "model.h5", "safetensors", "model.pth.txt"})
  void refusesToWriteAnotherFormat(String name) {
    assertThatThrownBy(() -> ModelFiles.write(folder.resolve(name), HashedModel.arrays()))
        .hasMessageEndingWith("must end in .safetensors, .pth or .pt")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void refusesToWriteWhatItCouldNotRead() {
    NamedArray one = new NamedArray("one", Shape.of(1), new float[1]);
    String surrogate = "half a letter \ud800";
    NamedArray deep = new NamedArray("deep", Shape.of(1, 1, 1, 1, 1, 1, 1, 1, 1), new float[1]);
    List<NamedArray> many = new ArrayList<>();
    for (int i = 0; i <= 4096; i++) {
      many.add(new NamedArray(Integer.toString(i), Shape.of(0), new float[0]));
    }
    assertUnwritable(List.of(one, one), "under the name one");
    assertUnwritable(List.of(named("__metadata__")), "under the name __metadata__");
    assertUnwritable(List.of(named(surrogate)), "under the name half a letter \\u{00d800}");
    assertUnwritable(List.of(named("x".repeat(129))), "under the name xxx");
    assertUnwritable(List.of(deep), "deep has more than 8 axes");
    assertUnwritable(many, "more than 4096 tensors");
  }

  private void assertUnwritable(List<NamedArray> arrays, String reason) {
    Path file = folder.resolve("model.pth");
    assertThatThrownBy(() -> ModelFiles.write(file, arrays))
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(reason)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DATA);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void writesTheLongestDescriptionThatItAllows() {
    // Each of these characters takes six bytes in JSON and one in a pickle.
    List<NamedArray> arrays = new ArrayList<>();
    for (int i = 0; i < 4096; i++) {
      String name = String.format(Locale.ROOT, "%04x", i) + "\u0001".repeat(124);
      arrays.add(new NamedArray(name, Shape.of(1, 1, 1, 1, 1, 1, 1, 1), new float[] {i}));
    }
    for (String format : FORMATS) {
      Path file = folder.resolve("long" + format);
      ModelFiles.write(file, arrays);
      assertThat(ModelFiles.read(file)).hasSize(4096);
    }
  }

  @Test
  void saysWhatIsWrongWithAPathThatIsNoFile() throws IOException {
    assertUnreadable(folder.resolve("absent.pth"), "there is no such file");
    assertUnreadable(folder, "is a folder; give a model file");
    assertUnreadable(Path.of("/dev/zero"), "is not a regular file; give a model file");
    Path file = Files.createFile(folder.resolve("file"));
    assertUnreadable(file.resolve("below.pth"), "there is no such file");
  }

  private static void assertUnreadable(Path file, String reason) {
    assertThatThrownBy(() -> ModelFiles.read(file))
        .hasMessage(file + ": " + reason)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DATA);
  }

  @ParameterizedTest
  @CsvSource({"2999, false", "3000, true"})
  void asksForMemoryBeforeItTakesIt(long heap, boolean enough) throws IOException {
    Path file = Files.write(folder.resolve("large.pth"), new byte[1000]);
    if (enough) {
      assertThat(BoundedFile.read(file, heap).limit()).isEqualTo(1000);
    } else {
      assertThatThrownBy(() -> BoundedFile.read(file, heap))
          .isInstanceOf(DistillException.class)
          .hasMessageEndingWith("start it with java -Xmx64m");
    }
  }

  private static NamedArray named(String name) {
    return new NamedArray(name, Shape.of(1), new float[1]);
  }
}
