package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.train.StopSignal;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command as a user meets it, on an emulated GPU: a run, its loss of the GPU, and its end. */
class EmulatedCudaRunTest {
  private static final String SMALL =
      " --data synthetic --subset 256 --teacher-widths 2,2,3 --student-widths 1,2,2 --no-baseline"
          + " --epochs 2 --teacher-epochs 1 --batch-size 32 --precision fp32 --device cuda";

  @TempDir Path temporary;

  private String out;
  private String err;

  /** Standard output that does something when it has seen a text. */
  private static final class Watched extends ByteArrayOutputStream {
    private final String text;
    private Runnable then;

    Watched(String text, Runnable then) {
      this.text = text;
      this.then = then;
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
      super.write(bytes, offset, length);
      if (then != null && toString(StandardCharsets.UTF_8).contains(text)) {
        Runnable once = then;
        then = null;
        once.run();
      }
    }
  }

  private int run(EmulatedDevice device, OutputStream output, String arguments) {
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    Session session =
        new Session(
            new PrintStream(output, true, StandardCharsets.UTF_8),
            new PrintStream(errBytes, true, StandardCharsets.UTF_8),
            false,
            new StopSignal(),
            (request, options, note) -> new CudaBackend(EmulatedEngine.of(device), 0, options));
    int exitCode =
        Cli.run(session, arguments.replace("DIR", temporary.toString()).trim().split(" +"));
    out = output.toString();
    err = errBytes.toString(StandardCharsets.UTF_8);
    return exitCode;
  }

  private byte[] file(String name) throws Exception {
    return Files.readAllBytes(temporary.resolve(name));
  }

  @Test
  void aRunThatLosesTheGpuIsResumedToTheSameBits() throws Exception {
    EmulatedDevice device = new EmulatedDevice();
    assertThat(run(device, new ByteArrayOutputStream(), "run --T 5 --out DIR/whole" + SMALL))
        .as(() -> err)
        .isZero();
    assertThat(out)
        .contains("computing in fp32 on cuda:0 Emulated GPU")
        .contains("loss = 0.7*25*KL(teacher||student, T=5) + 0.3*CE")
        .contains("student  epoch  2  loss ");
    assertThat(Files.readString(temporary.resolve("whole/metrics.json")))
        .contains("Emulated GPU")
        .contains("\"precision\":\"fp32\"");
    assertThat(device.live()).isEmpty();

    EmulatedDevice dying = new EmulatedDevice();
    Watched output =
        new Watched(
            "student  epoch  1",
            () -> dying.failCall(dying.callCount() + 3, CudaConstants.CUDA_ERROR_LAUNCH_FAILED));
    assertThat(run(dying, output, "run --T 5 --out DIR/lost" + SMALL)).as(() -> err).isEqualTo(5);
    assertThat(err.lines()).hasSize(1);
    assertThat(err).contains("the GPU is lost until the program starts again");

    EmulatedDevice fresh = new EmulatedDevice();
    assertThat(run(fresh, new ByteArrayOutputStream(), "run --resume DIR/lost --device cuda"))
        .as(() -> err)
        .isZero();
    for (String model : new String[] {"teacher", "student"}) {
      assertThat(file("lost/" + model + ".safetensors"))
          .as(model)
          .isEqualTo(file("whole/" + model + ".safetensors"));
    }
    assertThat(fresh.live()).isEmpty();
  }

  @Test
  void noRoomIsSaidBeforeAnythingIsTrained() {
    EmulatedDevice small = new EmulatedDevice().withFreeBytes(1 << 20);
    assertThat(run(small, new ByteArrayOutputStream(), "run --out DIR/small" + SMALL))
        .as(() -> err)
        .isEqualTo(4);
    assertThat(err.lines()).hasSize(1);
    assertThat(err).contains("GPU memory: ", "free are 1 MiB");
    assertThat(out).doesNotContain("epoch");
    assertThat(small.live()).isEmpty();
  }
}
