package io.github.distillcuda.train;

/**
 * How one model is trained.
 *
 * @param epochs passes over the training images
 * @param batchSize rows of a step; the last step of an epoch takes what is left
 * @param learningRate Adam's step size
 * @param seed of the order of the images, together with the epoch
 */
public record TrainingSettings(int epochs, int batchSize, double learningRate, long seed) {}
