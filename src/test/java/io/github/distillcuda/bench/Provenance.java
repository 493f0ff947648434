package io.github.distillcuda.bench;

import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.cuda.CudaDevice;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where and when a row was measured, and of what: the first columns of every result. */
public final class Provenance {
  /** The columns. */
  public static final String COLUMNS = "date,commit,device,driver";

  /** The columns of what a backend did. */
  public static final String BACKEND_COLUMNS = COLUMNS + ",libraries,kernels,layers,precision";

  private static final Path DRIVER = Path.of("/proc/driver/nvidia/version");
  private static final Pattern VERSION = Pattern.compile("\\b\\d+\\.\\d+(\\.\\d+)?\\b");

  private Provenance() {}

  /** Returns the values for a device, separated by commas. */
  public static String of(String device) {
    return String.join(
        ",", LocalDate.now().toString(), commit(), device.replace(",", ""), driver());
  }

  /** Returns the values for a backend on a GPU. */
  public static String of(BackendInfo info) {
    int libraries = info.device().indexOf("cuDNN");
    return String.join(
        ",",
        of(deviceName(info)),
        libraries < 0 ? "" : info.device().substring(libraries).replace(",", ""),
        info.kernels(),
        info.layers(),
        info.precision());
  }

  /** Returns the name that the driver has for a backend's GPU. */
  public static String deviceName(BackendInfo info) {
    return info.device().replaceAll("^cuda:\\d+ | \\(.*", "");
  }

  /** Returns the commit that was built. */
  static String commit() {
    Properties build = new Properties();
    try (InputStream stream =
        CudaDevice.class.getResourceAsStream("/io/github/distillcuda/build.properties")) {
      build.load(stream);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return build.getProperty("commit");
  }

  /** The version that Linux tells, such as 580.65.06. */
  private static String driver() {
    try {
      Matcher version = VERSION.matcher(Files.readString(DRIVER));
      return version.find() ? version.group() : "unknown";
    } catch (IOException e) {
      return "unknown";
    }
  }
}
