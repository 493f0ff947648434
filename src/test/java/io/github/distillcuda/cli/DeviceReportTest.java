package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.train.StopSignal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What {@code info} and {@code verify} print, and what failures print. */
class DeviceReportTest {
  /** Leaves its memory as it is. */
  private static final Session.Devices IDLE =
      (request, options, note) ->
          new CudaBackend(EmulatedEngine.of(new EmulatedDevice().withoutWork()), 0, options);

  private static final Session.Devices ABSENT =
      (request, options, note) -> {
        throw new DistillException(ExitCode.DEVICE, "no NVIDIA driver; use --device cpu");
      };

  private String out;
  private String err;

  private int run(Session.Devices devices, String arguments) {
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    Session session =
        new Session(
            new PrintStream(outBytes, true, StandardCharsets.UTF_8),
            new PrintStream(errBytes, true, StandardCharsets.UTF_8),
            false,
            new StopSignal(),
            devices);
    int exitCode = Cli.run(session, arguments.split(" +"));
    out = outBytes.toString(StandardCharsets.UTF_8);
    err = errBytes.toString(StandardCharsets.UTF_8);
    return exitCode;
  }

  @Test
  void infoSaysWhatComputesAndHow() {
    assertThat(run(IDLE, "info --device cuda")).as(err).isZero();
    assertThat(out)
        .containsPattern("(?m)^distill-cuda +\\S")
        .containsPattern("(?m)^java +2\\d.* at /")
        .containsPattern("(?m)^device +cuda:0 Emulated GPU")
        .containsPattern("(?m)^precision +tf32$")
        .containsPattern("(?m)^layers +cudnn$");
    assertThat(err).isEmpty();

    assertThat(run(Session.Devices.ofMachine(), "info --device cpu --json")).as(err).isZero();
    JsonObject facts = JsonParser.parseString(out).getAsJsonObject();
    assertThat(facts.get("precision").getAsString()).isEqualTo("fp32");
    assertThat(facts.keySet()).contains("java", "system", "processors", "heap", "engine");
  }

  @Test
  void infoWithoutADevicePrintsItsFactsAndSaysWhyItFails() {
    assertThat(run(ABSENT, "info")).isEqualTo(5);
    assertThat(out).containsPattern("(?m)^device +none: no NVIDIA driver").contains("processors");
    assertThat(err.lines()).containsExactly("distill-cuda: no NVIDIA driver; use --device cpu");

    assertThat(run(ABSENT, "info --json")).isEqualTo(5);
    assertThat(JsonParser.parseString(out).getAsJsonObject().get("device").getAsString())
        .startsWith("none: ");
    assertThat(err.lines()).hasSize(1);
  }

  /** The message is for people, the trace for whoever looks for the cause. */
  @Test
  void anExpectedFailureIsOneLineAndWithDebugItsTraceToo() {
    assertThat(run(ABSENT, "verify")).isEqualTo(5);
    assertThat(err.lines()).containsExactly("distill-cuda: no NVIDIA driver; use --device cpu");
    assertThat(run(ABSENT, "verify --debug")).isEqualTo(5);
    assertThat(err)
        .startsWith("distill-cuda: no NVIDIA driver; use --device cpu\n")
        .contains("DistillException: no NVIDIA driver", "\tat ");
  }

  @Test
  void aDefectExitsWith1AndItsTraceAlways() {
    Session.Devices broken =
        (request, options, note) -> {
          throw new IllegalStateException("a hole");
        };
    for (String debug : new String[] {"", " --debug"}) {
      assertThat(run(broken, "verify" + debug)).isEqualTo(1);
      assertThat(out).isEmpty();
      assertThat(err)
          .startsWith("distill-cuda: this is a defect, please report it:\n")
          .contains("java.lang.IllegalStateException: a hole\n\tat ")
          .containsOnlyOnce("a hole");
    }
  }

  @Test
  void verifyPrintsItsResultAndSaysThatItFails() {
    assertThat(run(IDLE, "verify --device cuda")).isEqualTo(5);
    assertThat(out).contains("WRONG").contains(" DOES NOT AGREE with PyTorch, computing in tf32");
    assertThat(err.lines())
        .singleElement()
        .asString()
        .startsWith("distill-cuda: cuda:0 Emulated GPU")
        .contains(" does not agree with PyTorch in tf32: ")
        .endsWith("; train with another --precision or --device, and report this");
  }
}
