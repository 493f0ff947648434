package io.github.distillcuda.emulator.device;

import io.github.distillcuda.emulator.fault.EmulatorFault;

/**
 * One operation of the device: a kernel, a copy, a fill, or what a library does in one call.
 *
 * @param name what a fault says of it
 * @param nodeType its {@code CUgraphNodeType} in a recording
 * @param body does it
 */
public record DeviceWork(String name, int nodeType, Runnable body) {
  static final int KERNEL = 0;
  static final int COPY = 1;
  static final int FILL = 2;

  /** Work of a library, which is kernels to the driver. */
  public static DeviceWork ofLibrary(String function, Runnable body) {
    return new DeviceWork(function, KERNEL, body);
  }

  void run() {
    try {
      body.run();
    } catch (EmulatorFault e) {
      if (e.site().isPresent()) {
        throw e;
      }
      EmulatorFault named = EmulatorFault.ofHost(e.kind(), name + ": " + e.detail());
      named.initCause(e);
      throw named;
    }
  }
}
