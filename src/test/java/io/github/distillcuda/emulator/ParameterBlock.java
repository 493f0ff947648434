package io.github.distillcuda.emulator;

import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.ptx.Parameter;
import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.List;

/** Lays out a kernel's arguments as the bytes that {@code ld.param} reads. */
final class ParameterBlock {
  private ParameterBlock() {}

  static byte[] of(EmulatedKernel kernel, Object... arguments) {
    List<Parameter> parameters = kernel.parameters();
    if (arguments.length != parameters.size()) {
      throw new IllegalArgumentException(
          "%s takes %d arguments, not %d"
              .formatted(kernel.name(), parameters.size(), arguments.length));
    }
    if (parameters.isEmpty()) {
      return new byte[0];
    }
    Parameter last = parameters.getLast();
    byte[] block = new byte[last.offset() + last.bytes()];
    for (int i = 0; i < arguments.length; i++) {
      Parameter parameter = parameters.get(i);
      byte[] bytes = bytesOf(arguments[i]);
      if (bytes.length != parameter.bytes() || isFloat(arguments[i]) != isFloat(parameter)) {
        throw new IllegalArgumentException(
            "argument %d of %s is a %s, but the parameter is .%s of %d bytes"
                .formatted(
                    i,
                    kernel.name(),
                    arguments[i].getClass().getSimpleName(),
                    parameter.type().suffix(),
                    parameter.bytes()));
      }
      System.arraycopy(bytes, 0, block, parameter.offset(), bytes.length);
    }
    return block;
  }

  private static byte[] bytesOf(Object argument) {
    return switch (argument) {
      case Region region -> HostBytes.of(region.address());
      case Long number -> HostBytes.of(number.longValue());
      case Integer number -> HostBytes.of(number.intValue());
      case Float number -> HostBytes.of(number.floatValue());
      case Double number -> HostBytes.of(number.doubleValue());
      case byte[] struct -> struct;
      default -> throw new IllegalArgumentException("cannot pass a " + argument.getClass());
    };
  }

  private static boolean isFloat(Object argument) {
    return argument instanceof Float || argument instanceof Double;
  }

  private static boolean isFloat(Parameter parameter) {
    return parameter.type().kind() == PtxType.Kind.FLOAT;
  }
}
