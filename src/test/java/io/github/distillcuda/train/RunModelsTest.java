package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.PlannedModel;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Rows are counted by hand: batch 64 on 1,000 images leaves 40; evaluation takes 100 at a time. */
class RunModelsTest {
  private static final int TRAIN = 1000;
  private static final int TEST = 250;

  private static List<String> models(Set<ModelRole> trained, String teacherFile, boolean online) {
    return models(trained, teacherFile, online, Set.of());
  }

  private static List<String> models(
      Set<ModelRole> trained, String teacherFile, boolean online, Set<ModelRole> finished) {
    RunConfig config =
        new TinyRun()
            .models(trained)
            .batchSize(64)
            .teacherFile(teacherFile)
            .recomputeTeacher(online)
            .config();
    return RunModels.of(config, finished, TRAIN, TEST).stream()
        .map(
            model ->
                "%s, %s, %s batched, %s others"
                    .formatted(model.name(), kind(model), model.batchedSteps(), model.otherSteps()))
        .toList();
  }

  private static String kind(PlannedModel model) {
    String widths =
        model.layers().equals(TinyData.TEACHER.layers()) ? "teacher's layers" : "student's layers";
    return widths + (model.trainable() ? " with moments" : "");
  }

  @Test
  void everyModelIsThereInTrainingAndFrozen() {
    assertThat(models(EnumSet.allOf(ModelRole.class), null, false))
        .containsExactly(
            "teacher in training, teacher's layers with moments, [64, 40] batched, [100, 50]"
                + " others",
            // its logits of 1,000 training images are ten steps of 100, one recording
            "teacher, teacher's layers, [] batched, [100, 50, 100] others",
            "baseline in training, student's layers with moments, [64, 40] batched, [100, 50]"
                + " others",
            "baseline, student's layers, [] batched, [100, 50] others",
            "student in training, student's layers with moments, [64, 40] batched, [100, 50]"
                + " others",
            "student, student's layers, [] batched, [100, 50] others");
  }

  @Test
  void aTeacherThatIsGivenIsNotTrainedAndOneOfEveryStepGrowsWithTheBatch() {
    assertThat(models(EnumSet.of(ModelRole.STUDENT), "teacher.pth", true))
        .containsExactly(
            "teacher, teacher's layers, [64, 40] batched, [100, 50] others",
            "student in training, student's layers with moments, [64, 40] batched, [100, 50]"
                + " others",
            "student, student's layers, [] batched, [100, 50] others");
  }

  @Test
  void whatIsFinishedIsNotCreatedAgainButTheTeacher() {
    Set<ModelRole> finished = EnumSet.of(ModelRole.TEACHER, ModelRole.BASELINE);
    assertThat(models(EnumSet.allOf(ModelRole.class), null, false, finished))
        .containsExactly(
            "teacher, teacher's layers, [] batched, [100, 50, 100] others",
            "student in training, student's layers with moments, [64, 40] batched, [100, 50]"
                + " others",
            "student, student's layers, [] batched, [100, 50] others");
  }

  @Test
  void aBaselineHasNoTeacher() {
    assertThat(models(EnumSet.of(ModelRole.BASELINE), null, false))
        .containsExactly(
            "baseline in training, student's layers with moments, [64, 40] batched, [100, 50]"
                + " others",
            "baseline, student's layers, [] batched, [100, 50] others");
  }
}
