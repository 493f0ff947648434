package io.github.distillcuda.train;

import io.github.distillcuda.backend.BackendInfo;

/**
 * The content of {@code config.json}: what decides a run's bits.
 *
 * @param run the configuration
 * @param backend the device and its libraries
 * @param deterministic whether a second run gives the same bits
 * @param dataset the data set's name
 * @param datasetSha256 of the training images and labels
 */
record ConfigFile(
    RunConfig run,
    BackendInfo backend,
    boolean deterministic,
    String dataset,
    String datasetSha256) {}
