package io.github.distillcuda.backend;

/**
 * What an operation of a step takes by itself, with nothing beside it.
 *
 * @param stage what it does, for people
 * @param us median, microseconds
 * @param p10 a tenth of its runs were faster, microseconds
 * @param p90 a tenth of its runs were slower, microseconds
 * @param bytes each input and each output once; 0 where the backend does not know
 * @param flops two for each multiply-add of its product; 0 if it has none or the backend does not
 *     know
 */
public record StageTime(String stage, double us, double p10, double p90, long bytes, long flops) {}
