package io.github.distillcuda.emulator.device;

import io.github.distillcuda.emulator.PtxModule;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * PTX that the driver has loaded.
 *
 * @param target of its {@code .target}
 * @param version of its {@code .version}, 10*major + minor
 * @param kernels what it holds
 */
record LoadedModule(int target, int version, PtxModule kernels) {
  private static final Pattern TARGET = Pattern.compile("(?m)^\\.target\\s+sm_(\\d+)\\b");
  private static final Pattern VERSION = Pattern.compile("(?m)^\\.version\\s+(\\d+)\\.(\\d+)\\b");

  /** The shipped modules are loaded by many tests, and decoding costs more than running them. */
  private static final Map<String, LoadedModule> LOADED = new ConcurrentHashMap<>();

  static LoadedModule of(String ptx) {
    return LOADED.computeIfAbsent(ptx, LoadedModule::decode);
  }

  private static LoadedModule decode(String ptx) {
    Matcher target = first(TARGET, ptx);
    Matcher version = first(VERSION, ptx);
    return new LoadedModule(
        Integer.parseInt(target.group(1)),
        10 * Integer.parseInt(version.group(1)) + Integer.parseInt(version.group(2)),
        PtxModule.parse(ptx));
  }

  private static Matcher first(Pattern pattern, String ptx) {
    Matcher matcher = pattern.matcher(ptx);
    if (!matcher.find()) {
      throw new IllegalArgumentException("this PTX has no " + pattern);
    }
    return matcher;
  }
}
