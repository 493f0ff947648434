package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.checkpoint.AtomicFile;
import io.github.distillcuda.checkpoint.RunCheckpoint;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.ffi.CudaConstants;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command as a user meets it, on an emulated GPU: a run, its loss of the GPU, and its end. */
class EmulatedCudaRunTest {
  private static final String SMALL =
      " --data synthetic --subset 256 --student-widths 1,2,2"
          + " --epochs 2 --batch-size 32 --precision fp32 --device cuda";

  private static final String SLOWER = "conv1 3 -> 1, convolution, batch 32";
  private static final String LACKING = "conv2 1 -> 2, filter gradient, batch 32";

  @TempDir Path temporary;

  private Shell on(EmulatedDevice device) {
    return new Shell(temporary)
        .devices(
            (request, options, note) ->
                new CudaBackend(EmulatedEngine.of(device), 0, options, Duration.ofSeconds(1)));
  }

  /** On a GPU of which a launch fails once a text has been printed. */
  private Outcome lose(String text, String command) {
    EmulatedDevice dying = new EmulatedDevice();
    return on(dying)
        .whenPrinted(
            text, () -> dying.failNext("cuGraphLaunch", CudaConstants.CUDA_ERROR_LAUNCH_FAILED))
        .run(command)
        .exits(5);
  }

  /**
   * A launch fails, and then work does not end: both times the last line says where to go on.
   *
   * <p>The baseline alone: evaluating 10,000 test images is what takes long here.
   */
  @Test
  void aRunThatLosesTheGpuSaysSoAndIsResumed() throws Exception {
    Outcome lost = lose("baseline epoch  1", "baseline --out DIR/lost" + SMALL);
    assertThat(lost.out()).contains("computing in fp32 on cuda:0 Emulated GPU");
    assertLost(lost, "cuGraphLaunch(");

    String resume = "baseline --resume DIR/lost --device cuda --precision fp32";
    EmulatedDevice hanging = new EmulatedDevice();
    Shell shell = on(hanging).whenPrinted("baseline: ", () -> hanging.ready(false));
    assertLost(shell.run(resume).exits(5), "its work has not ended within 1 s");
    assertThat(hanging.functions().getLast()).isEqualTo("cuEventQuery");

    EmulatedDevice fresh = new EmulatedDevice();
    assertThat(on(fresh).run(resume).exits(0).out())
        .contains("baseline epoch  2  loss ")
        .doesNotContain("epoch  1  loss");
    assertThat(Files.readString(temporary.resolve("lost/metrics.json")))
        .contains("Emulated GPU")
        .contains("\"precision\": \"fp32\"");
    assertThat(fresh.live()).isEmpty();
  }

  /** The main job in the default precision: a teacher, its logits kept, and a student from them. */
  @Test
  void aDistillationIsResumedToTheBitsOfOneThatWasNotInterrupted() throws Exception {
    String small =
        " --data synthetic --subset 256 --teacher-widths 2,1,2 --student-widths 1,2,2 --no-baseline"
            + " --teacher-epochs 1 --epochs 2 --batch-size 48 --device cuda";
    EmulatedDevice device = new EmulatedDevice();
    assertThat(on(device).run("--out DIR/whole" + small).exits(0).out())
        .contains("computing in tf32 on cuda:0 Emulated GPU")
        .contains("teacher  epoch  1  loss ")
        .contains("student  epoch  2  loss ");
    assertThat(device.live()).isEmpty();

    lose("student  epoch  1", "--out DIR/halved" + small);
    String resume = "--resume DIR/halved --device cuda";
    assertThat(on(new EmulatedDevice()).run(resume).exits(0).out())
        .doesNotContain("teacher  epoch")
        .doesNotContain("student  epoch  1");
    for (String model : new String[] {"teacher.safetensors", "student.safetensors"}) {
      assertThat(temporary.resolve("halved").resolve(model))
          .hasSameBinaryContentAs(temporary.resolve("whole").resolve(model));
    }
  }

  /** 256 images are 8 steps. */
  private void assertLost(Outcome outcome, String reason) {
    Path folder = temporary.resolve("lost");
    assertThat(outcome.err().lines()).as(outcome.err()).hasSize(1);
    assertThat(outcome.err())
        .startsWith(
            "distill-cuda: baseline, after step 8: the GPU is lost until the program starts again: "
                + reason)
        .endsWith(
            ("; saved up to %s/checkpoint/checkpoint-0000000008.ckpt, go on with baseline --resume"
                    + " %s\n")
                .formatted(folder, folder));
  }

  /**
   * In bfloat16 from the first step to the last, over a stop between the epochs, with the
   * algorithms that it measured in the beginning.
   */
  @Test
  void aRunInBfloat16IsResumedInBfloat16WithItsAlgorithms() throws Exception {
    String bfloat16 = SMALL.replace("fp32", "bf16") + " --no-deterministic";
    assertThat(lose("baseline epoch  1", "baseline --out DIR/half" + bfloat16).out())
        .contains("computing in bf16 on cuda:0 Emulated GPU");

    String resume = "baseline --resume DIR/half --device cuda --precision ";
    assertThat(on(new EmulatedDevice()).run(resume + "fp32").exits(2).err()).contains("precision");

    chooseOtherwise(temporary.resolve("half/checkpoint/checkpoint-0000000008.ckpt"));
    EmulatedDevice fresh = new EmulatedDevice();
    assertThat(on(fresh).run(resume + "bf16").exits(0).out())
        .contains("baseline epoch  2  loss ")
        .containsOnlyOnce("which the run began with")
        .contains(
            LACKING
                + ": cuDNN algorithm 0, math type 1, measured in place of cuDNN algorithm 5, math"
                + " type 1, measured, which the run began with");
    assertThat(fresh.functions())
        .filteredOn(function -> function.startsWith("cudnnFind"))
        .containsExactly("cudnnFindConvolutionBackwardFilterAlgorithmEx");
    assertThat(Files.readString(temporary.resolve("half/config.json")))
        .contains("\"%s\": \"cuDNN algorithm 1, math type 1, measured\"".formatted(SLOWER))
        .contains("\"%s\": \"cuDNN algorithm 0, math type 1, measured\"".formatted(LACKING));
    assertThat(Files.readString(temporary.resolve("half/metrics.json")))
        .contains("\"precision\": \"bf16\"");
    assertThat(fresh.live()).isEmpty();
  }

  /**
   * Lets a checkpoint say that measuring found others: one that a measurement of today would not,
   * and one that there is not.
   */
  private static void chooseOtherwise(Path checkpoint) {
    RunCheckpoint saved = RunCheckpoint.read(checkpoint);
    JsonObject algorithms = saved.state().getAsJsonObject("algorithms");
    assertThat(algorithms.keySet()).contains(SLOWER, LACKING);
    algorithms.addProperty(SLOWER, "cuDNN algorithm 1, math type 1, measured");
    algorithms.addProperty(LACKING, "cuDNN algorithm 5, math type 1, measured");
    AtomicFile.write(checkpoint, saved::writeTo);
  }

  @Test
  void noRoomIsSaidBeforeAnythingIsTrained() {
    assertNoRoom(
        1 << 20,
        "baseline --out DIR/small" + SMALL,
        "GPU memory: .*, 1 MiB of [0-9]+ MiB are free.*; free some of it, or use another GPU or"
            + " --device cpu");
    // RunMemoryTest shows that what is said to fit does.
    assertNoRoom(
        2L << 30,
        "baseline --out DIR/large --data synthetic --batch-size 50000 --device cuda",
        "GPU memory: this run needs [0-9]+ MiB more .*, [0-9]+ MiB of [0-9]+ MiB are free; the"
            + " largest buffers are (\\S[^,;]* [0-9]+ MiB, ){3}\\S[^,;]* [0-9]+ MiB;"
            + " --batch-size [0-9]+ fits");
  }

  /** No batch size makes it smaller: 184 MB, of which fewer to train on may be asked for. */
  @Test
  void noRoomForTheDataSetIsNotBlamedOnTheBatch() {
    assertNoRoom(
        64L << 20,
        "baseline --out DIR/data --data synthetic --device cuda",
        "GPU memory: data set needs 147 MiB, [0-9]+ MiB of [0-9]+ MiB are free; .*; free some of"
            + " it, or use another GPU or --device cpu, or train on fewer images with --subset");
  }

  private void assertNoRoom(long free, String command, String line) {
    EmulatedDevice small = new EmulatedDevice().withFreeBytes(free);
    Outcome refused = on(small).run(command).exits(4);
    assertThat(refused.err().strip()).matches("distill-cuda: " + line);
    assertThat(refused.out()).doesNotContain("epoch");
    assertThat(small.live()).isEmpty();
  }
}
