package io.github.distillcuda.train;

/**
 * What became of one model; a line of the final table and an object of {@code metrics.json}.
 *
 * @param parameters how many
 * @param bestTestAccuracy the best over the epochs, from 0 to 1
 * @param lastTestAccuracy of the weights that were saved
 * @param trainSeconds of training, without evaluations; null for a model that was loaded
 * @param finalLoss mean loss of the last epoch; null for a model that was loaded
 * @param agreementWithTeacher share of test images with the teacher's argmax; null without one
 * @param loadedFrom the file it came from; null for a model that was trained
 */
public record ModelResult(
    int parameters,
    double bestTestAccuracy,
    double lastTestAccuracy,
    Double trainSeconds,
    Double finalLoss,
    Double agreementWithTeacher,
    String loadedFrom) {}
