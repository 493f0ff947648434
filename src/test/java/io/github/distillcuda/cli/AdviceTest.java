package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.InitialWeights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a line says to do can be done, and helps. */
class AdviceTest {
  @TempDir Path temporary;

  private void assertAdvice(int exitCode, String command, String... says) {
    assertThat(new Shell(temporary).run(command).exits(exitCode).err())
        .contains(says)
        .hasLineCount(1);
  }

  @Test
  void aFolderThatWasNamedIsNotToBeNamedAgain() throws Exception {
    Files.writeString(temporary.resolve("file"), "");
    assertAdvice(
        6,
        "data fetch --to DIR/file",
        "cannot be written (a file of this name is in the way); choose another folder for --to\n");
  }

  /** Its widths are read from the file, and the classes are CIFAR-10's. */
  @Test
  void aModelOfOtherClassesIsRefusedAsThat() {
    Architecture hundred = new Architecture(2, 3, 4, 100);
    ModelFiles.write(temporary.resolve("m.pth"), InitialWeights.draw(hundred, 1));
    assertAdvice(
        3,
        "eval --device cpu --data synthetic --model DIR/m.pth",
        "m.pth: it tells 100 classes apart, CIFAR-10 has 10; give a model that was trained on");
  }

  @Test
  void anOptionOfTwoNamesIsSuggestedOnce() {
    assertAdvice(2, "--batchsize 3", "; did you mean --batch-size? (see");
  }

  @ParameterizedTest
  @ValueSource(strings = {"m.pth", "m.safetensors"})
  void aDamagedModelFileIsToBeCopiedOrSavedAgain(String name) throws Exception {
    Path file = temporary.resolve(name);
    ModelFiles.write(file, InitialWeights.draw(new Architecture(2, 3, 4, 10), 1));
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {0, 5, 20, whole.length / 2, whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertAdvice(3, "eval --device cpu --model DIR/" + name, "; copy or save it again\n");
    }
  }

  /** A copy of what is not read would not be read either. */
  @Test
  void whatIsNotReadIsNotToBeCopied() throws Exception {
    String header = "{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}";
    ByteBuffer file = ByteBuffer.allocate(8 + header.length() + 8).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length()).put(header.getBytes(StandardCharsets.US_ASCII));
    Files.write(temporary.resolve("m.safetensors"), file.array());
    assertAdvice(3, "eval --device cpu --model DIR/m.safetensors", " are read\n");
  }
}
