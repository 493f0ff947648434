package io.github.distillcuda.train;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The layout of {@code history.csv}: a header and a line an epoch. */
final class HistoryFile {
  private static final String HEADER =
      "model,epoch,step,loss,kd,ce,trainAccuracy,testAccuracy,seconds,imagesPerSecond\n";

  private HistoryFile() {}

  static String format(List<EpochRecord> history) {
    return history.stream().map(HistoryFile::line).collect(Collectors.joining("", HEADER, ""));
  }

  private static String line(EpochRecord e) {
    return String.format(
        Locale.ROOT,
        "%s,%d,%d,%.8g,%.8g,%.8g,%.6f,%.6f,%.3f,%.1f\n",
        e.role(),
        e.epoch(),
        e.step(),
        e.loss(),
        e.kd(),
        e.ce(),
        e.trainAccuracy(),
        e.testAccuracy(),
        e.seconds(),
        e.imagesPerSecond());
  }
}
