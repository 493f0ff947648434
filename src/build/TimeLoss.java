import io.github.distillcuda.distill.DistillationLoss;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Times the loss on plain arrays, for {@code bench/cpu_loss.py}: prints one JSON object, of the
 * median call and the tenths around it. Arguments: calls to time, rows, classes. Slow shapes are
 * timed for 30 seconds, but ten calls at the least. Run in Java 25 with {@code
 * target/distill-cuda.jar} on the class path, in the root of the checkout.
 */
public class TimeLoss {
  private static final double WARM_UP_SECONDS = 5;
  private static final double MOST_SECONDS = 30;
  private static final int LEAST_CALLS = 10;

  /** What is computed must be used. */
  private static double sum;

  private final int rows;
  private final int classes;
  private final float[] student;
  private final float[] teacher;
  private final int[] labels;

  private TimeLoss(int rows, int classes) {
    this.rows = rows;
    this.classes = classes;
    SplittableRandom random = new SplittableRandom(1);
    student = logits(random);
    teacher = logits(random);
    labels = random.ints(rows, 0, classes).toArray();
  }

  private float[] logits(SplittableRandom random) {
    float[] logits = new float[rows * classes];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (3 * random.nextGaussian());
    }
    return logits;
  }

  /** Runs. */
  public static void main(String[] arguments) {
    int rows = Integer.parseInt(arguments[1]);
    int classes = Integer.parseInt(arguments[2]);
    new TimeLoss(rows, classes).time(Integer.parseInt(arguments[0]));
    if (!(sum > 0)) {
      throw new IllegalStateException("the losses add up to " + sum);
    }
  }

  private void time(int calls) {
    long begin = System.nanoTime();
    while (secondsSince(begin) < WARM_UP_SECONDS) {
      call();
    }
    double[] microseconds = new double[calls];
    int n = 0;
    begin = System.nanoTime();
    while (n < calls && (n < LEAST_CALLS || secondsSince(begin) < MOST_SECONDS)) {
      long start = System.nanoTime();
      call();
      microseconds[n++] = (System.nanoTime() - start) / 1e3;
    }
    Arrays.sort(microseconds, 0, n);
    System.out.printf(
        "{\"rows\": %d, \"classes\": %d, \"us\": %.1f, \"p10\": %.1f, \"p90\": %.1f, \"n\": %d}%n",
        rows, classes, microseconds[n / 2], microseconds[n / 10], microseconds[n - 1 - n / 10], n);
  }

  private void call() {
    sum += DistillationLoss.compute(student, teacher, labels, classes, 5, 0.7).loss();
  }

  private static double secondsSince(long begin) {
    return (System.nanoTime() - begin) / 1e9;
  }
}
