package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Counts worked out by hand. */
class EvaluationTest {
  private static final Evaluation THREE_OF_FIVE =
      new Evaluation(new int[] {0, 1, 1, 2, 0}, new byte[] {0, 1, 0, 2, 1}, 4);

  @Test
  void countsWhatIsRight() {
    assertThat(THREE_OF_FIVE.accuracy()).isEqualTo(0.6);
    assertThat(THREE_OF_FIVE.perClassAccuracy()).containsExactly(0.5, 0.5, 1.0, Double.NaN);
  }

  @Test
  void putsLabelsInRowsAndPredictionsInColumns() {
    assertThat(THREE_OF_FIVE.confusion())
        .isDeepEqualTo(new int[][] {{1, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}});
  }

  @Test
  void comparesPredictionsAndNotWhetherTheyAreRight() {
    Evaluation other = new Evaluation(new int[] {0, 0, 1, 3, 0}, THREE_OF_FIVE.labels(), 4);
    assertThat(THREE_OF_FIVE.agreement(other)).isEqualTo(0.6);
  }
}
