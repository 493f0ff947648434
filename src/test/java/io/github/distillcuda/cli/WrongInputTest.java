package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.InitialWeights;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Wrong input ends with one line, the documented code, and nothing written. */
class WrongInputTest {
  @TempDir Path temporary;

  @BeforeEach
  void placeFiles() throws IOException {
    Files.createDirectories(temporary.resolve("empty"));
    Files.writeString(temporary.resolve("file.txt"), "not a model\n");
    Files.write(temporary.resolve("lying.safetensors"), lyingHeader());
    Files.write(temporary.resolve("three.pth"), new byte[3]);
    List<NamedArray> narrow = InitialWeights.draw(new Architecture(2, 2, 4, 10), 1);
    ModelFiles.write(temporary.resolve("narrow.safetensors"), narrow);
    narrow.get(5).values()[1] = Float.NaN;
    ModelFiles.write(temporary.resolve("nan.safetensors"), narrow);
  }

  /** A header that claims more bytes than the file has. */
  private static byte[] lyingHeader() {
    byte[] json =
        "{\"conv1.bias\":{\"dtype\":\"F32\",\"shape\":[64],\"data_offsets\":[0,256]}}"
            .getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + 16)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private Outcome run(String command) {
    return new Shell(temporary).run(command);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          2 | --temprature 5                                      | did you mean --temperature?
          2 | train-techer                                        | did you mean train-teacher?
          2 | --T 5 distil                                        | did you mean distill?
          2 | --no-baselin                                        | unknown: --no-baselin; did you mean --no-baseline? (see
          2 | --no-baselin=true                                   | did you mean --no-baseline? (see
          2 | trian                                               | unknown: trian; did you mean train-teacher? (see
          2 | distill --Alhpa 0.5                                 | did you mean --alpha? (see
          2 | data verfy                                          | did you mean verify? (see
          2 | data train                                          | unknown: train (see
          2 | --T                                                 | parameter for option '--T' (
          2 | --temperature                                       | parameter for option '--temperature' (
          2 | --alpha 0.5 --lr                                    | parameter for option '--lr' (
          2 | eval                                                | option: '--model=FILE'
          2 | --T 0                                               | --T 0: must be a number from 0.001 to 1000000
          2 | --T warm                                            | is not a double
          2 | --T nan                                             | option '--T'
          2 | --temperature nan                                   | option '--temperature'
          2 | train-teacher --T 3                                 | unknown: --T 3
          2 | train-teacher --alpha 0.5                           | unknown: --alpha 0.5
          2 | train-teacher --teacher-epochs 3                    | unknown: --teacher-epochs 3
          2 | train-teacher --student-widths 1,2,3                | unknown: --student-widths 1,2,3
          2 | baseline --temperature 3                            | unknown: --temperature 3
          2 | baseline --alpha 0.5                                | unknown: --alpha 0.5
          2 | baseline --teacher-epochs 3                         | unknown: --teacher-epochs 3
          2 | baseline --teacher-widths 1,2,3                     | unknown: --teacher-widths 1,2,3
          2 | distill --teacher DIR/narrow.safetensors --teacher-epochs 3 | unknown: --teacher-epochs 3
          2 | eval --model DIR/narrow.safetensors --subset 100    | unknown: --subset 100
          2 | eval --model DIR/narrow.safetensors --kernels unfused | unknown: --kernels unfused
          2 | --precision fp64                                    | expected one of [auto, fp32, tf32, bf16]
          2 | --data mnist                                        | expected one of [auto, cifar10, synthetic] but was 'mnist'
          2 | --rename a=b                                        | --rename is for the names in a file: add --teacher FILE
          2 | --teacher DIR/narrow.safetensors --teacher-epochs 3 | --teacher-epochs: a teacher from a file is not trained
          2 | --teacher DIR/narrow.safetensors --teacher-widths 2,2,5 | --teacher-widths 2,2,5, but DIR/narrow.safetensors has 2,2,4
          2 | train-teacher --epochs 0                            | --epochs 0: must be
          2 | --T NaN                                             | --T NaN: must be a number
          2 | --alpha 1.5                                         | --alpha 1.5: must be a number from 0 to 1
          2 | --batch-size 0                                      | --batch-size 0: must be a whole number from 1 to 50000
          2 | --batch_size -3                                     | --batch-size -3
          2 | --lr 0                                              | --lr 0: must be
          2 | --learning-rate -1                                  | --lr -1: must be
          2 | --epochs 0                                          | --epochs 0: must be
          2 | --subset 0                                          | --subset 0: must be
          2 | --threads 0 --data synthetic                        | --threads 0: must be
          2 | --device cuda:1 --threads 2                         | --threads is for --device cpu, this is --device cuda:1
          2 | --device reference --threads 2                      | --threads is for --device cpu
          2 | --student-widths 32,64                              | must be three numbers such as 64,128,256
          2 | --device gpu                                        | 'gpu' is not a device
          2 | --device cpu --kernels unfused                      | --kernels unfused is for --device cuda
          2 | --device cpu --kernels eager                        | --kernels eager is for --device cuda
          2 | --out a --resume b                                  | --out does not go with --resume
          2 | distill --data synthetic                            | distill needs a teacher: --teacher FILE
          2 | --T 3 baseline --data synthetic                     | --T stands before the command
          2 | teleport                                            | unknown: teleport (see
          2 | --teleport                                          | unknown: --teleport (see
          2 | distill --teacher-epochs 3                          | unknown: --teacher-epochs 3 (see
          3 | --data-dir DIR/nowhere                              | DIR/nowhere
          3 | --data-dir DIR/empty                                | DIR/empty
          3 | --data-dir DIR/file.txt                             | DIR/file.txt
          3 | --resume DIR/nowhere                                | no such run to resume
          3 | --resume DIR/empty                                  | no such run to resume
          3 | --teacher DIR/nowhere.pth                           | DIR/nowhere.pth
          3 | --teacher DIR                                       | DIR
          3 | --teacher DIR/file.txt                              | file.txt
          3 | --teacher DIR/lying.safetensors                     | lying.safetensors
          3 | eval --model DIR/three.pth --data synthetic         | has 3 bytes, too few for .pth and .safetensors
          3 | eval --model DIR/lying.safetensors --data synthetic | lying.safetensors
          5 | --device cuda --data synthetic                      | no NVIDIA driver
          5 | --device cuda --data-dir DIR/nowhere                | no NVIDIA driver
          5 | --device cuda --engine jcuda --data synthetic       | no NVIDIA driver
          5 | info --device cuda:1                                | install driver 525.60.13 or newer
          5 | --kernels unfused --data synthetic                  | --kernels unfused needs CUDA: no NVIDIA driver
          2 | --device cpu --layers fused                         | --layers fused is for --device cuda
          2 | --device cpu --precision tf32                       | --precision tf32 is for --device cuda
          2 | bench --device reference                            | bench times --device cpu or cuda
          2 | bench --device gpu                                  | 'gpu' is not a device
          2 | --device reference --precision fp32                 | --device reference computes in float64
          2 | --device reference --precision bf16                 | --device reference computes in float64
          2 | --device cpu --engine jcuda                         | --engine jcuda is for --device cuda
          6 | --out DIR/file.txt/run --data synthetic             | DIR/file.txt
          6 | data fetch --to DIR/file.txt/cache                  | choose another folder for --to
          6 | --out /proc/run --data synthetic --subset 32        | /proc/run
          6 | export --model DIR/nan.safetensors --to pth --out DIR/nowhere/a.pth | there is no such file or folder
          2 | export --model DIR/nan.safetensors --to pth --out DIR/a.txt         | must end in .pth
          2 | export --model DIR/nan.safetensors --to safetensors | nan.safetensors exists and is left as it is
          7 | eval --model DIR/nan.safetensors --data synthetic   | fc1.bias has NaN at [1]
          7 | distill --teacher DIR/nan.safetensors --teacher-widths 2,2,4 | fc1.bias has NaN at [1]
          """)
  void endsWithOneLineAndTheDocumentedCode(int expected, String command, String says)
      throws IOException {
    List<Path> before = files();
    String err = run(command).exits(expected).err();
    assertThat(err).contains(says.replace("DIR", temporary.toString()));
    assertThat(err.lines()).as(err).hasSize(1);
    assertThat(err).doesNotContain("\tat ").doesNotContain("Exception");
    assertThat(files()).isEqualTo(before);
  }

  private List<Path> files() throws IOException {
    try (var tree = Files.walk(temporary)) {
      return new ArrayList<>(tree.sorted().toList());
    }
  }

  /** Commands are known where a file of arguments names them, too. */
  @Test
  void aFileOfArgumentsMayNameTheCommand() throws IOException {
    Files.writeString(temporary.resolve("arguments"), "distill --T 0");
    assertThat(run("@DIR/arguments").exits(2).err())
        .contains("--T")
        .contains("see distill-cuda distill --help");
  }

  private static String[] exitCodes() {
    return Stream.of(ExitCode.values())
        .map(code -> " %d %s ".formatted(code.value(), code.meaning()))
        .toArray(String[]::new);
  }

  @Test
  void helpAndVersionAreNotFailures() {
    String help = run("--help").exits(0).out();
    assertThat(help).contains("--temperature").contains("distill");
    assertThat(unwrapped(help)).contains(exitCodes());
    String bench = run("bench --help").exits(0).out();
    assertThat(bench).contains("--kernels").contains("fp32, tf32, bf16");
    assertThat(unwrapped(bench))
        .contains("in a training one of each epoch and at the end what is in metrics.json");
    assertThat(run("eval --help").exits(0).out())
        .doesNotContain("--kernels")
        .contains("--precision");
    assertThat(unwrapped(run("data fetch --help").exits(0).out())).contains(exitCodes());
    assertThat(run("--version").exits(0).out()).contains("distill-cuda ");
  }

  private static String unwrapped(String help) {
    return help.replaceAll("\\s+", " ");
  }
}
