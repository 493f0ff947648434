package io.github.distillcuda.train;

import com.google.gson.annotations.JsonAdapter;
import com.google.gson.annotations.SerializedName;

/**
 * One line of the history: an epoch of one model.
 *
 * @param role the model; {@code model} in JSON
 * @param epoch from 1
 * @param step optimizer steps since the training began
 * @param loss mean over the rows
 * @param kd mean over the rows of T^2*KL, unweighted by alpha; 0 without a teacher
 * @param ce mean over the labelled rows of the cross-entropy
 * @param trainAccuracy share of right training images, counted while they were trained on
 * @param testAccuracy share of right test images after the epoch
 * @param seconds of training, without the evaluation
 * @param imagesPerSecond training images by those seconds
 */
public record EpochRecord(
    @SerializedName("model") @JsonAdapter(EnumWords.class) ModelRole role,
    int epoch,
    long step,
    double loss,
    double kd,
    double ce,
    double trainAccuracy,
    double testAccuracy,
    double seconds,
    double imagesPerSecond) {}
