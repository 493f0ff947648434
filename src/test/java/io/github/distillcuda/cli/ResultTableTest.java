package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.train.ModelResult;
import io.github.distillcuda.train.RunMetrics;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every number of the table comes from another field, and no two fields are alike. */
class ResultTableTest {
  private static final ModelResult TEACHER =
      new ModelResult(2_175_626, 0.8125, 0.8011, 98.76, 0.61, null, null);
  private static final ModelResult BASELINE =
      new ModelResult(545_098, 0.7321, 0.7204, 41.24, 0.72, 0.6917, null);
  private static final ModelResult STUDENT =
      new ModelResult(545_098, 0.7468, 0.7389, 52.63, 1.83, 0.7755, null);

  private static String table(Map<String, ModelResult> models) {
    RunMetrics metrics =
        new RunMetrics(
            1,
            "device",
            "engine",
            "precision",
            "kernels",
            "layers",
            new RunMetrics.Dataset("cifar10", 50_000, 10_000, "sha256"),
            5,
            0.7,
            42,
            true,
            10,
            64,
            models,
            1234.5);
    return ResultTable.format(metrics);
  }

  private static Map<String, ModelResult> models(ModelResult teacher, ModelResult student) {
    Map<String, ModelResult> models = new LinkedHashMap<>();
    models.put("teacher", teacher);
    models.put("baseline", BASELINE);
    models.put("student", student);
    return models;
  }

  @Test
  void everyNumberStandsInItsColumn() {
    assertThat(table(models(TEACHER, STUDENT)))
        .isEqualToNormalizingNewlines(
            """
            model     parameters    size   train     best     last  vs baseline  like teacher
            teacher    2,175,626  8.7 MB  98.8 s  81.25 %  80.11 %        +8.07             \s
            baseline     545,098  2.2 MB  41.2 s  73.21 %  72.04 %                    69.17 %
            student      545,098  2.2 MB  52.6 s  74.68 %  73.89 %        +1.85       77.55 %
            The distilled student ends 1.85 points above its baseline on cifar10, seed 42; one \
            seed: not a conclusion.\
            """);
  }

  @Test
  void aStudentThatLosesIsSaidToLose() {
    ModelResult losing = new ModelResult(545_098, 0.7333, 0.7101, 52.63, 1.83, 0.7755, null);
    assertThat(table(models(TEACHER, losing)).lines())
        .contains(
            "student      545,098  2.2 MB  52.6 s  73.33 %  71.01 %        -1.03       77.55 %",
            "The distilled student ends 1.03 points below its baseline on cifar10, seed 42; one"
                + " seed: not a conclusion.");
  }

  @Test
  void aTeacherFromAFileWasNotTrained() {
    ModelResult loaded =
        new ModelResult(2_175_626, 0.8011, 0.8011, null, null, null, "teacher.pth");
    assertThat(table(models(loaded, STUDENT)).lines())
        .contains(
            "teacher    2,175,626  8.7 MB  loaded  80.11 %  80.11 %        +8.07" + " ".repeat(14));
  }

  @Test
  void oneModelAloneIsComparedWithNothing() {
    assertThat(table(Map.of("baseline", BASELINE)))
        .isEqualToNormalizingNewlines(
            """
            model     parameters    size   train     best     last  vs baseline  like teacher
            baseline     545,098  2.2 MB  41.2 s  73.21 %  72.04 %                    69.17 %
            Test accuracies on cifar10, seed 42; one seed: not a conclusion.\
            """);
    assertThat(table(Map.of("student", STUDENT)).lines())
        .contains(
            "student     545,098  2.2 MB  52.6 s  74.68 %  73.89 %                    77.55 %");
  }
}
