package io.github.distillcuda.data;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which data a run wants.
 *
 * @param choice {@code --data}
 * @param dataDir {@code --data-dir}: the folder or archive that CIFAR-10 must then come from
 * @param mayDownload false with {@code --no-download}
 * @param subset {@code --subset}: how many training images, from the first
 * @param seed what the synthetic set is drawn from
 */
public record DataRequest(
    DataChoice choice,
    Optional<Path> dataDir,
    boolean mayDownload,
    OptionalInt subset,
    long seed) {}
