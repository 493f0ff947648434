package io.github.distillcuda.train;

/**
 * What a network says of a labelled data set.
 *
 * @param predictions the class of the largest logit of each image, the first of equals
 * @param labels the label of each image
 * @param classes the number of classes
 */
public record Evaluation(int[] predictions, byte[] labels, int classes) {
  /** Returns the share of images whose prediction is their label. */
  public double accuracy() {
    int correct = 0;
    for (int i = 0; i < labels.length; i++) {
      correct += predictions[i] == labels[i] ? 1 : 0;
    }
    return (double) correct / labels.length;
  }

  /** Returns the share of images on which two evaluations of the same data set agree. */
  public double agreement(Evaluation other) {
    int equal = 0;
    for (int i = 0; i < predictions.length; i++) {
      equal += predictions[i] == other.predictions[i] ? 1 : 0;
    }
    return (double) equal / predictions.length;
  }

  /** Returns how many images of each label (row) got each prediction (column). */
  public int[][] confusion() {
    int[][] counts = new int[classes][classes];
    for (int i = 0; i < labels.length; i++) {
      counts[labels[i]][predictions[i]]++;
    }
    return counts;
  }

  /** Returns the accuracy over the images of each label; NaN for a label without images. */
  public double[] perClassAccuracy() {
    int[][] confusion = confusion();
    double[] accuracies = new double[classes];
    for (int label = 0; label < classes; label++) {
      int images = 0;
      for (int count : confusion[label]) {
        images += count;
      }
      accuracies[label] = images == 0 ? Double.NaN : (double) confusion[label][label] / images;
    }
    return accuracies;
  }
}
