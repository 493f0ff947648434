package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One launch of a kernel to try: its arguments by name, and what its outputs must hold. Integer
 * parameters are the sizes.
 */
final class KernelCase {
  private final KernelSignature kernel;
  private final KernelSizes sizes;
  private final String description;
  private final Map<String, byte[]> inputs = new HashMap<>();
  private final Map<String, Object> values = new HashMap<>();
  private final Map<String, Expected> outputs = new LinkedHashMap<>();
  private final Map<String, String> overlaps = new HashMap<>();
  private final Map<String, Integer> shifts = new HashMap<>();
  private int shift;

  /**
   * @param description what is special about the inputs
   */
  KernelCase(KernelSignature kernel, KernelSizes sizes, String description) {
    this.kernel = kernel;
    this.sizes = sizes;
    this.description = description;
  }

  /** Gives an array that the kernel reads; if it is an output too, what it holds before. */
  KernelCase in(String parameter, float... content) {
    return in(parameter, HostBytes.of(content));
  }

  KernelCase in(String parameter, int... content) {
    return in(parameter, HostBytes.of(content));
  }

  KernelCase in(String parameter, byte[] content) {
    inputs.put(parameter, content);
    return this;
  }

  /** Gives a float or double argument. */
  KernelCase value(String parameter, Number value) {
    values.put(parameter, value);
    return this;
  }

  /** Says what the kernel must write. */
  KernelCase out(String parameter, Expected expected) {
    outputs.put(parameter, expected);
    return this;
  }

  /** Puts an output where an input is. */
  KernelCase inPlace(String output, String input) {
    overlaps.put(output, input);
    return this;
  }

  /** Begins every array so many bytes behind a 256-byte boundary. */
  KernelCase shiftedBy(int bytes) {
    shift = bytes;
    return this;
  }

  /** Begins one array so many bytes behind a 256-byte boundary. */
  KernelCase shiftedBy(String parameter, int bytes) {
    shifts.put(parameter, bytes);
    return this;
  }

  KernelSignature kernel() {
    return kernel;
  }

  KernelSizes sizes() {
    return sizes;
  }

  Map<String, Expected> outputs() {
    return outputs;
  }

  /** The content before the launch; null for an array that is only written, or absent. */
  byte[] input(String parameter) {
    return inputs.get(parameter);
  }

  /** Whether the parameter gets the address 0. */
  boolean isNull(String parameter) {
    return !inputs.containsKey(parameter) && !outputs.containsKey(parameter);
  }

  /** The parameter whose array this one shares: itself, if it is not in place. */
  String arrayOf(String parameter) {
    return overlaps.getOrDefault(parameter, parameter);
  }

  boolean isInPlace() {
    return !overlaps.isEmpty();
  }

  /** Where the parameter's array begins behind a 256-byte boundary. */
  int shift(String parameter) {
    return shifts.getOrDefault(arrayOf(parameter), shift);
  }

  Number value(String parameter) {
    Object value = values.get(parameter);
    if (value == null) {
      throw new IllegalStateException(this + " has no value for " + parameter);
    }
    return (Number) value;
  }

  @Override
  public String toString() {
    return "%s %s %s".formatted(kernel.symbol(), sizes, description);
  }
}
