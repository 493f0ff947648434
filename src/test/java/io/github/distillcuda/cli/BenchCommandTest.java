package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** What the bench prints; its times mean nothing here. */
class BenchCommandTest {
  /** Times are of no work, so that the published networks are soon done. */
  private static final Session.Devices EMULATED =
      (request, options, note) ->
          new CudaBackend(EmulatedEngine.of(new EmulatedDevice().withoutWork()), 0, options);

  private static Outcome run(Shell shell, String arguments) {
    return shell.run("bench --batch-size 4 --steps 3 " + arguments).exits(0);
  }

  private static Outcome emulate(String arguments) {
    return run(new Shell().devices(EMULATED), "--device cuda " + arguments);
  }

  private static List<String> names(JsonObject result, String... members) {
    return StreamSupport.stream(result.getAsJsonArray("steps").spliterator(), false)
        .map(JsonElement::getAsJsonObject)
        .map(
            row ->
                String.join(
                    " ", List.of(members).stream().map(m -> row.get(m).getAsString()).toList()))
        .toList();
  }

  @Test
  void theCpuHasOneLossAndTheTimesOfItsOperations() {
    JsonObject result = run(new Shell(), "--device cpu --json").json();

    assertThat(result.get("layers").getAsString()).isEqualTo("onednn");
    assertThat(names(result, "kernels", "variant"))
        .containsExactly("fused cached", "fused recomputed");
    JsonObject last = result.getAsJsonArray("steps").get(1).getAsJsonObject();
    assertThat(last.get("ms").getAsDouble()).isPositive();
    assertThat(last.getAsJsonArray("stages"))
        .hasSizeGreaterThan(20)
        .allSatisfy(
            stage -> assertThat(stage.getAsJsonObject().get("us").getAsDouble()).isPositive());
  }

  @Test
  void aGpuComparesTheFusedLossWithBothChains() {
    Outcome compared = emulate("--json");
    assertThat(names(compared.json(), "kernels", "variant"))
        .containsExactly(
            "fused cached",
            "fused recomputed",
            "unfused cached",
            "unfused recomputed",
            "eager cached",
            "eager recomputed");

    List<String> begun =
        Stream.of("fused", "unfused", "eager")
            .flatMap(loss -> Stream.of(loss + " cached", loss + " recomputed"))
            .map(step -> step.replace(" ", " loss and the teacher's logits "))
            .map("timing the step with the %s"::formatted)
            .toList();
    assertThat(compared.err().lines()).containsExactlyElementsOf(begun);

    assertThat(emulate("--layers fused").out())
        .contains(begun)
        .contains("layers fused")
        .contains("unfused   recomputed")
        .contains("operations of the recomputed step, fused loss:")
        .containsPattern("(?m)^ +\\d+\\.\\d  \\(.*\\) +\\d+\\.\\d +\\d+\\.\\d  teacher conv2 ")
        .containsPattern("(?m)^ +\\d+\\.\\d  \\(.*\\) +\\d+\\.\\d +  adam$");
  }

  @Test
  void whoAsksForOneLossGetsThatOne() {
    assertThat(names(emulate("--kernels unfused --json").json(), "kernels", "variant"))
        .containsExactly("unfused cached", "unfused recomputed");
  }
}
