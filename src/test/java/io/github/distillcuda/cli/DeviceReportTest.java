package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.util.Map;
import java.util.function.Consumer;
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

  private static Outcome run(Session.Devices devices, String command) {
    return new Shell().devices(devices).run(command);
  }

  @Test
  void infoSaysWhatComputesAndHow() {
    Outcome emulated = run(IDLE, "info --device cuda").exits(0);
    assertThat(emulated.out())
        .containsPattern("(?m)^distill-cuda +\\S")
        .containsPattern("(?m)^java +2\\d.* at /")
        .containsPattern("(?m)^device +cuda:0 Emulated GPU")
        .containsPattern("(?m)^precision +tf32$")
        .containsPattern("(?m)^layers +cudnn$");
    assertThat(emulated.err()).isEmpty();

    JsonObject facts = new Shell().run("info --device cpu --json").exits(0).json();
    assertThat(facts.get("precision").getAsString()).isEqualTo("fp32");
    assertThat(facts.keySet()).contains("java", "system", "processors", "heap", "engine");
  }

  /** One line would be of thousands of characters. */
  @Test
  void eachPlaceThatWasSearchedHasALine() {
    Session.Devices searched =
        new Session.Devices() {
          @Override
          public Backend open(
              DeviceRequest request, BackendOptions options, Consumer<String> note) {
            return IDLE.open(request, options, note);
          }

          @Override
          public Map<String, String> surveyCuda() {
            return Map.of("libcublasLt.so.13", "/a: no such file\n/b: no such file");
          }
        };
    Outcome text = run(searched, "info --device cuda").exits(0);
    assertThat(text.out())
        .containsPattern("(?m)^libcublasLt\\.so\\.13  /a: no such file\n {19}/b: no such file$");
    Outcome object = run(searched, "info --device cuda --json").exits(0);
    assertThat(object.json().get("libcublasLt.so.13").getAsString()).hasLineCount(2);
  }

  @Test
  void infoWithoutADevicePrintsItsFactsAndSaysWhyItFails() {
    Outcome text = run(ABSENT, "info").exits(5);
    assertThat(text.out())
        .containsPattern("(?m)^device +none: no NVIDIA driver")
        .contains("processors");
    assertThat(text.err().lines())
        .containsExactly("distill-cuda: no NVIDIA driver; use --device cpu");

    Outcome object = run(ABSENT, "info --json").exits(5);
    assertThat(object.json().get("device").getAsString()).startsWith("none: ");
    assertThat(object.err().lines()).hasSize(1);
  }

  /** The message is for people, the trace for whoever looks for the cause. */
  @Test
  void anExpectedFailureIsOneLineAndWithDebugItsTraceToo() {
    assertThat(run(ABSENT, "verify").exits(5).err().lines())
        .containsExactly("distill-cuda: no NVIDIA driver; use --device cpu");
    assertThat(run(ABSENT, "verify --debug").exits(5).err())
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
      Outcome defect = run(broken, "verify" + debug).exits(1);
      assertThat(defect.out()).isEmpty();
      assertThat(defect.err())
          .startsWith("distill-cuda: this is a defect, please report it:\n")
          .contains("java.lang.IllegalStateException: a hole\n\tat ")
          .containsOnlyOnce("a hole");
    }
  }

  @Test
  void verifyPrintsItsResultAndSaysThatItFails() {
    Outcome wrong = run(IDLE, "verify --device cuda").exits(5);
    assertThat(wrong.out())
        .contains("WRONG")
        .contains(" DOES NOT AGREE with PyTorch, computing in tf32");
    assertThat(wrong.err().lines())
        .singleElement()
        .asString()
        .startsWith("distill-cuda: cuda:0 Emulated GPU")
        .contains(" does not agree with PyTorch in tf32: ")
        .endsWith("; train with another --precision or --device, and report this");
  }
}
