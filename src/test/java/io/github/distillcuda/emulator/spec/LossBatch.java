package io.github.distillcuda.emulator.spec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Student and teacher logits and labels of a batch. */
record LossBatch(String description, float[] z, float[] v, int[] labels, int rows, int classes) {
  static final int NO_LABEL = -100;

  /** Fills a row: logits of student and teacher, and its label as the result. */
  private interface RowMaker {
    int fill(float[] z, float[] v, int at, int classes, Random random);
  }

  /** Independent normal logits. */
  static LossBatch random(int rows, int classes, long seed) {
    List<RowMaker> makers = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      makers.add((z, v, at, c, random) -> fillRandom(z, v, at, c, random, 3));
    }
    return of("random", makers, classes, seed);
  }

  /** A row of normal logits, but for one that leaves the others nothing. */
  static LossBatch peaked(int classes, int place, int label) {
    RowMaker maker =
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 3);
          z[at + place] = 5e4f;
          v[at + place] = 5e4f;
          return label;
        };
    return of("peak at " + place, List.of(maker), classes, 17);
  }

  /**
   * A row whose student adds a constant to all logits of its teacher but the largest. At T = 1e4
   * the log ratios of all others are one number just below 1e-5, and their divergence is a small
   * difference of large terms.
   */
  static LossBatch nearlyShifted(int classes) {
    RowMaker maker =
        (z, v, at, c, random) -> {
          int label = fillRandom(z, v, at, c, random, 3);
          v[at] = 12;
          z[at] = 12;
          for (int i = 1; i < c; i++) {
            z[at + i] = v[at + i] + 0.1f;
          }
          return label;
        };
    return of("nearly shifted", List.of(maker), classes, 19);
  }

  /** A row of normal logits, but for the last of the student's, which is infinite. */
  static LossBatch notFiniteLast(int classes) {
    LossBatch batch = random(1, classes, 18);
    batch.z[classes - 1] = Float.NEGATIVE_INFINITY;
    return new LossBatch("not finite last", batch.z, batch.v, batch.labels, 1, classes);
  }

  /** A row whose first class and label, the last, have the largest logit. */
  static LossBatch endsTie(int classes) {
    LossBatch batch = peaked(classes, 0, classes - 1);
    batch.z[classes - 1] = batch.z[0];
    return batch;
  }

  /** Independent normal logits; of five rows two have a label and three have none or a bad one. */
  static LossBatch badlyLabelled(int rows, int classes, long seed) {
    LossBatch batch = random(rows, classes, seed);
    int[] bad = {NO_LABEL, classes, -1};
    for (int row = 0; row < rows; row++) {
      batch.labels[row] = row % 5 < 3 ? bad[row % 5] : batch.labels[row];
    }
    return new LossBatch("badly labelled", batch.z, batch.v, batch.labels, rows, classes);
  }

  /** Independent normal logits, and no label to divide the cross-entropy by. */
  static LossBatch unlabelled(int rows, int classes) {
    LossBatch batch = random(rows, classes, 13);
    Arrays.fill(batch.labels, NO_LABEL);
    return new LossBatch("unlabelled", batch.z, batch.v, batch.labels, rows, classes);
  }

  /** Each class in a row as the label, as large as a neighbour: the next, then the one before. */
  static LossBatch neighboursTie(int classes) {
    List<RowMaker> makers = new ArrayList<>();
    for (int row = 0; row < 2 * classes; row++) {
      int label = row / 2;
      int other = Math.floorMod(row % 2 == 0 ? label + 1 : label - 1, classes);
      makers.add(
          (z, v, at, c, random) -> {
            fillRandom(z, v, at, c, random, 3);
            z[at + label] = 50;
            z[at + other] = 50;
            return label;
          });
    }
    return of("neighbours tie", makers, classes, 15);
  }

  /** Logits so large that their quotient by a small temperature, or a difference, overflows. */
  static LossBatch huge(int classes) {
    float[] values = {3e38f, -3e38f, 2e38f, 0, 3e38f};
    List<RowMaker> makers = new ArrayList<>();
    for (int first = 0; first < values.length; first++) {
      int start = first;
      makers.add(
          (z, v, at, c, random) -> {
            for (int i = 0; i < c; i++) {
              z[at + i] = values[(start + i) % values.length];
              v[at + i] = z[at + i];
            }
            return 0;
          });
    }
    return of("huge", makers, classes, 14);
  }

  /**
   * Rows with every third class masked by the lowest number of bfloat16, which float32 has too:
   * those of the teacher, and the same ones of both. Their exponents overflow at small
   * temperatures. The classes at both ends, which may be beside whole vectors, have most of the
   * probability.
   */
  static LossBatch masked(int classes) {
    float lowest = Float.intBitsToFloat(0xff7f0000);
    List<RowMaker> makers = new ArrayList<>();
    for (boolean both : new boolean[] {false, true}) {
      makers.add(
          (z, v, at, c, random) -> {
            fillRandom(z, v, at, c, random, 3);
            for (int i = 1; i < c; i += 3) {
              v[at + i] = lowest;
              z[at + i] = both ? lowest : z[at + i];
            }
            z[at] = 10;
            v[at] = 13;
            z[at + c - 1] = 11;
            v[at + c - 1] = 12;
            return 0;
          });
    }
    return of("masked", makers, classes, 20);
  }

  /** A row for each thing that can go wrong with finite logits. */
  static LossBatch adversarial(int classes) {
    return of("adversarial", adversarialRows(), classes, 11);
  }

  /** A row for each way in which a logit can fail to be a number, in the middle. */
  static LossBatch notFinite(int classes) {
    return notFiniteAt(classes / 2, classes);
  }

  /** As {@link #notFinite}, at a certain class. */
  static LossBatch notFiniteAt(int place, int classes) {
    return of("not finite at " + place, notFiniteRows(place), classes, 12);
  }

  private static LossBatch of(String description, List<RowMaker> makers, int classes, long seed) {
    int rows = makers.size();
    float[] z = new float[rows * classes];
    float[] v = new float[rows * classes];
    int[] labels = new int[rows];
    Random random = new Random(seed);
    for (int row = 0; row < rows; row++) {
      labels[row] = makers.get(row).fill(z, v, row * classes, classes, random);
    }
    return new LossBatch(description, z, v, labels, rows, classes);
  }

  private static int fillRandom(
      float[] z, float[] v, int at, int classes, Random random, float scale) {
    for (int c = 0; c < classes; c++) {
      z[at + c] = scale * (float) random.nextGaussian();
      v[at + c] = scale * (float) random.nextGaussian();
    }
    return random.nextInt(classes);
  }

  private static List<RowMaker> adversarialRows() {
    List<RowMaker> rows = new ArrayList<>();
    // logits as large as they come
    rows.add((z, v, at, c, random) -> fillRandom(z, v, at, c, random, 3000));
    rows.add(
        (z, v, at, c, random) -> {
          for (int i = 0; i < c; i++) {
            z[at + i] = i == 0 ? 1e4f : -1e4f;
            v[at + i] = i == c - 1 ? 1e4f : -1e4f;
          }
          return c - 1;
        });
    rows.add(
        (z, v, at, c, random) -> {
          Arrays.fill(z, at, at + c, 3e4f);
          Arrays.fill(v, at, at + c, -3e4f);
          return 0;
        });
    // student and teacher agree: to the bit, nearly, up to a constant
    rows.add(
        (z, v, at, c, random) -> {
          int label = fillRandom(z, v, at, c, random, 3);
          System.arraycopy(v, at, z, at, c);
          return label;
        });
    rows.add((z, v, at, c, random) -> nearly(z, v, at, c, random, 1e-3f));
    rows.add((z, v, at, c, random) -> nearly(z, v, at, c, random, 1e-1f));
    rows.add(
        (z, v, at, c, random) -> {
          int label = fillRandom(z, v, at, c, random, 3);
          for (int i = 0; i < c; i++) {
            z[at + i] = v[at + i] + 100;
          }
          return label;
        });
    // no label, and labels that are none
    rows.add(
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 3);
          return NO_LABEL;
        });
    rows.add(
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 3);
          return c;
        });
    rows.add(
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 3);
          return -1;
        });
    // ties: the first of the largest is the prediction
    rows.add(
        (z, v, at, c, random) -> {
          int label = fillRandom(z, v, at, c, random, 3);
          z[at + c / 2] = 50;
          z[at + c - 1] = 50;
          return label % 2 == 0 ? c / 2 : c - 1;
        });
    // numbers below the normal range, and zeros of both signs
    rows.add(
        (z, v, at, c, random) -> {
          for (int i = 0; i < c; i++) {
            z[at + i] = i * Float.MIN_VALUE;
            v[at + i] = i % 2 == 0 ? 0f : -0f;
          }
          return c - 1;
        });
    // a label that has all of the probability, and one that has none
    rows.add(
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 1);
          z[at + c / 3] = 40;
          return c / 3;
        });
    rows.add(
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 1);
          z[at + c / 3] = -1e4f;
          return c / 3;
        });
    return rows;
  }

  private static int nearly(
      float[] z, float[] v, int at, int classes, Random random, float difference) {
    int label = fillRandom(z, v, at, classes, random, 3);
    for (int c = 0; c < classes; c++) {
      z[at + c] = v[at + c] + difference * (float) random.nextGaussian();
    }
    return label;
  }

  private static List<RowMaker> notFiniteRows(int place) {
    List<RowMaker> rows = new ArrayList<>();
    float inf = Float.POSITIVE_INFINITY;
    for (float bad : new float[] {-inf, inf, Float.NaN}) {
      rows.add((z, v, at, c, random) -> withBad(z, v, at, c, random, place, bad, true, false));
      rows.add((z, v, at, c, random) -> withBad(z, v, at, c, random, place, bad, false, true));
      rows.add((z, v, at, c, random) -> withBad(z, v, at, c, random, place, bad, true, true));
      rows.add(
          (z, v, at, c, random) -> {
            withBad(z, v, at, c, random, place, bad, true, false);
            return NO_LABEL;
          });
    }
    rows.add(
        (z, v, at, c, random) -> {
          int label = fillRandom(z, v, at, c, random, 3);
          Arrays.fill(z, at, at + c, -inf);
          return label;
        });
    rows.add(
        (z, v, at, c, random) -> {
          int label = fillRandom(z, v, at, c, random, 3);
          Arrays.fill(v, at, at + c, -inf);
          return label;
        });
    rows.add(
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 3);
          z[at + c / 2] = -inf;
          return c / 2; // an infinite cross-entropy with a finite gradient
        });
    // a NaN is never the largest: without a number the first class is
    rows.add(
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 3);
          Arrays.fill(z, at, at + c, Float.NaN);
          return 0;
        });
    rows.add(
        (z, v, at, c, random) -> {
          fillRandom(z, v, at, c, random, 3);
          Arrays.fill(z, at, at + c, Float.NaN);
          z[at + c / 2] = -inf;
          return c / 2;
        });
    return rows;
  }

  private static int withBad(
      float[] z,
      float[] v,
      int at,
      int classes,
      Random random,
      int place,
      float bad,
      boolean inStudent,
      boolean inTeacher) {
    int label = fillRandom(z, v, at, classes, random, 3);
    if (inStudent) {
      z[at + place] = bad;
    }
    if (inTeacher) {
      v[at + place] = bad;
    }
    return label;
  }
}
