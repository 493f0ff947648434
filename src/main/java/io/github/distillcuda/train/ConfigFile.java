package io.github.distillcuda.train;

import io.github.distillcuda.backend.BackendInfo;
import java.util.Map;

/**
 * The content of {@code config.json}: what decides a run's bits.
 *
 * @param run the configuration
 * @param backend the device and its libraries
 * @param algorithms those chosen of the libraries, by layer, direction and batch
 * @param dataset the data set's name
 * @param datasetSha256 of the training images and labels
 */
record ConfigFile(
    RunConfig run,
    BackendInfo backend,
    Map<String, String> algorithms,
    String dataset,
    String datasetSha256) {}
