package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.KernelFunction;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.gpu.Gpu;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Launches a case on a GPU through the program's own launch code and looks at what it left: as
 * {@link CaseRunner} does on the emulator, with guard bands in the place of the emulator's faults.
 */
final class DeviceCaseRunner {
  /** Guards before and behind each array; the one before keeps the array's alignment. */
  private static final int GUARD_BEFORE = 256;

  private static final int GUARD_BEHIND = 64;
  private static final byte GUARD = (byte) 0xa5;

  /**
   * An array on the GPU.
   *
   * @param offset where it begins in its buffer
   * @param length its bytes
   * @param before the whole buffer before the launch
   */
  private record Array(DeviceBuffer buffer, int offset, int length, byte[] before) {}

  private final KernelCase kernelCase;
  private final Gpu gpu;
  private final byte poison;
  private final boolean guarded;
  private final DeviceScope scope = new DeviceScope();
  private final Map<String, Array> arrays = new HashMap<>();

  private DeviceCaseRunner(KernelCase kernelCase, Gpu gpu, byte poison, boolean guarded) {
    this.kernelCase = kernelCase;
    this.gpu = gpu;
    this.poison = poison;
    this.guarded = guarded;
  }

  /**
   * Runs a case and returns the bytes of every output.
   *
   * @param poison what arrays that are only written hold before
   * @throws AssertionError if the kernel wrote to an input or around an array
   */
  static Map<String, byte[]> run(
      KernelCase kernelCase, KernelFunction kernel, Gpu gpu, byte poison) {
    return new DeviceCaseRunner(kernelCase, gpu, poison, true).run(kernel);
  }

  /**
   * Runs a case for NVIDIA's compute-sanitizer, which looks for itself: every array is an
   * allocation of exactly its size, and what is only written is not initialised.
   */
  static Map<String, byte[]> runBare(KernelCase kernelCase, KernelFunction kernel, Gpu gpu) {
    return new DeviceCaseRunner(kernelCase, gpu, (byte) 0, false).run(kernel);
  }

  private Map<String, byte[]> run(KernelFunction kernel) {
    try (scope) {
      kernelCase.kernel().pointers().forEach(this::allocate);
      KernelLaunch launch = kernel.prepare(kernelCase.sizes());
      kernelCase.kernel().parameters().forEach(parameter -> bind(launch, parameter));
      launch.launch(gpu.stream());
      gpu.stream().synchronize();
      return outputs();
    }
  }

  private void allocate(KernelParameter.Pointer pointer) {
    String name = pointer.name();
    if (kernelCase.isNull(name) || !kernelCase.arrayOf(name).equals(name)) {
      return;
    }
    byte[] content = kernelCase.input(name);
    int length = content != null ? content.length : kernelCase.outputs().get(name).bytes();
    int offset = kernelCase.shift(name) + (guarded ? GUARD_BEFORE : 0);
    byte[] before = new byte[offset + length + (guarded ? GUARD_BEHIND : 0)];
    Arrays.fill(before, GUARD);
    if (content != null) {
      System.arraycopy(content, 0, before, offset, length);
    } else {
      Arrays.fill(before, offset, offset + length, poison);
    }
    DeviceBuffer buffer = scope.own(gpu.context().memory().allocate(name, before.length));
    if (guarded || content != null) {
      gpu.upload(before, buffer);
    } else {
      gpu.upload(Arrays.copyOf(before, offset), buffer); // what lies before it is read back too
    }
    arrays.put(name, new Array(buffer, offset, length, before));
  }

  private void bind(KernelLaunch launch, KernelParameter parameter) {
    String name = parameter.name();
    switch (parameter) {
      case KernelParameter.Int fromSizes -> {}
      case KernelParameter.Float32 single -> launch.bind(name, number(name));
      case KernelParameter.Float64 full -> launch.bind(name, number(name));
      case KernelParameter.Pointer pointer -> {
        if (kernelCase.isNull(name)) {
          launch.bindNull(name);
        } else {
          Array array = arrays.get(kernelCase.arrayOf(name));
          launch.bind(name, array.buffer, array.offset);
        }
      }
    }
  }

  private double number(String name) {
    return kernelCase.value(name).doubleValue();
  }

  private Map<String, byte[]> outputs() {
    Map<String, byte[]> after = new HashMap<>();
    arrays.forEach((name, array) -> after.put(name, gpu.download(array.buffer)));
    arrays.forEach((name, array) -> checkUntouched(name, array, after.get(name)));
    Map<String, byte[]> outputs = new LinkedHashMap<>();
    kernelCase
        .outputs()
        .forEach(
            (name, expected) -> {
              String arrayName = kernelCase.arrayOf(name);
              int offset = arrays.get(arrayName).offset;
              outputs.put(
                  name,
                  Arrays.copyOfRange(after.get(arrayName), offset, offset + expected.bytes()));
            });
    return outputs;
  }

  /** Inputs are as they were, and so is what lies around every array. */
  private void checkUntouched(String name, Array array, byte[] after) {
    if (!guarded) {
      return;
    }
    byte[] expected = array.before.clone();
    boolean isOutput =
        kernelCase.outputs().keySet().stream()
            .anyMatch(output -> kernelCase.arrayOf(output).equals(name));
    if (isOutput) {
      System.arraycopy(after, array.offset, expected, array.offset, array.length);
    }
    int first = Arrays.mismatch(after, expected);
    assertThat(first)
        .as(
            "%s: byte %d of %s (%d bytes) was written",
            kernelCase, first - array.offset, name, array.length)
        .isNegative();
  }
}
