package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.cuda.kernels.LaunchConfig;
import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.Launch;
import io.github.distillcuda.emulator.LaunchReport;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.Dim3;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.Region;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** Launches a case on the emulator and looks at what it left. */
final class CaseRunner {
  /**
   * What a launch left.
   *
   * @param outputs the bytes of every output
   */
  record Outcome(Map<String, byte[]> outputs, LaunchReport report) {}

  private final KernelCase kernelCase;
  private final EmulatedMemory memory = new EmulatedMemory();
  private final Map<String, Region> arrays = new HashMap<>();
  private OptionalLong fuel = OptionalLong.empty();

  private CaseRunner(KernelCase kernelCase) {
    this.kernelCase = kernelCase;
  }

  /**
   * Runs a case.
   *
   * @param kernel the shipped kernel, or a mutant of it
   * @throws io.github.distillcuda.emulator.fault.EmulatorFault if it breaks a rule
   * @throws AssertionError if it leaves an output unwritten, or writes to an input or around one
   */
  static Outcome run(
      KernelCase kernelCase,
      EmulatedKernel kernel,
      Approximation approximation,
      ExecutionOrder order) {
    return new CaseRunner(kernelCase).run(kernel, approximation, order);
  }

  /**
   * Runs a case on a kernel that may not end.
   *
   * @param warpInstructions after which the launch counts as endless
   */
  static Outcome run(KernelCase kernelCase, EmulatedKernel kernel, long warpInstructions) {
    CaseRunner runner = new CaseRunner(kernelCase);
    runner.fuel = OptionalLong.of(warpInstructions);
    return runner.run(kernel, Approximation.EXACT, ExecutionOrder.FORWARD);
  }

  private Outcome run(EmulatedKernel kernel, Approximation approximation, ExecutionOrder order) {
    LaunchConfig config = kernelCase.kernel().launch(kernelCase.sizes());
    kernelCase.kernel().pointers().forEach(this::allocate);
    Launch launch =
        Launch.of(kernel)
            .grid(new Dim3(config.gridX(), config.gridY(), 1))
            .block(new Dim3(config.blockX(), config.blockY(), 1))
            .sharedBytes(config.sharedBytes())
            .arguments(arguments())
            .approximation(approximation)
            .order(order);
    fuel.ifPresent(launch::fuel);
    LaunchReport report = launch.run(memory);
    checkThatOnlyOutputsWereWritten();
    Map<String, byte[]> outputs = new LinkedHashMap<>();
    for (Map.Entry<String, Expected> output : kernelCase.outputs().entrySet()) {
      Region array = arrays.get(kernelCase.arrayOf(output.getKey()));
      outputs.put(
          output.getKey(),
          array.hostRead(kernelCase.shift(output.getKey()), output.getValue().bytes()));
    }
    return new Outcome(outputs, report);
  }

  /** Exactly as large as its content: the emulator faults on the first byte outside. */
  private void allocate(KernelParameter.Pointer pointer) {
    String name = pointer.name();
    if (kernelCase.isNull(name) || !kernelCase.arrayOf(name).equals(name)) {
      return;
    }
    byte[] content = kernelCase.input(name);
    int bytes = content != null ? content.length : kernelCase.outputs().get(name).bytes();
    Region array = memory.allocate(name, kernelCase.shift(name) + bytes);
    if (content != null) {
      array.hostWrite(kernelCase.shift(name), content);
    }
    arrays.put(name, array);
  }

  private Object[] arguments() {
    List<Object> arguments = new ArrayList<>();
    for (KernelParameter parameter : kernelCase.kernel().parameters()) {
      String name = parameter.name();
      arguments.add(
          switch (parameter) {
            case KernelParameter.Int i -> (int) kernelCase.sizes().get(name);
            case KernelParameter.Float32 f -> kernelCase.value(name).floatValue();
            case KernelParameter.Float64 d -> kernelCase.value(name).doubleValue();
            case KernelParameter.Pointer p -> address(name);
          });
    }
    return arguments.toArray();
  }

  private long address(String name) {
    return kernelCase.isNull(name)
        ? 0
        : arrays.get(kernelCase.arrayOf(name)).address() + kernelCase.shift(name);
  }

  private void checkThatOnlyOutputsWereWritten() {
    for (Region array : arrays.values()) {
      boolean isOutput =
          kernelCase.outputs().keySet().stream()
              .anyMatch(output -> kernelCase.arrayOf(output).equals(array.name()));
      if (!isOutput && array.bytesWritten() != 0) {
        throw new AssertionError(array.bytesWritten() + " bytes written to " + array.name());
      }
      for (int i = 0; i < kernelCase.shift(array.name()); i++) {
        if (array.getByte(i) != (byte) 0xff) {
          throw new AssertionError("a byte is written before " + array.name());
        }
      }
    }
  }
}
