package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.PtxImage;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.LaunchConfig;
import java.util.ArrayList;
import java.util.List;

/** Kernels that do nothing but move bytes, or nothing at all: what all others are measured by. */
final class Ceilings {
  private static final int BLOCK = 256;
  private static final int VECTOR = 4;

  /** y = x, 16 bytes a thread. */
  static final KernelSignature COPY = stream("copy", 1, true);

  /** y = a + b, 16 bytes a thread: the traffic of the fused loss. */
  static final KernelSignature ADD = stream("add", 2, true);

  /** Reads x, and writes nothing. */
  static final KernelSignature READ = stream("read", 1, false);

  /** Nothing. */
  static final KernelSignature EMPTY =
      new KernelSignature(
          "ceilings.ptx",
          "empty",
          List.of(new KernelParameter.Int("n")),
          List.of(),
          sizes -> LaunchConfig.of(1, 32));

  static final List<KernelSignature> ALL = List.of(COPY, ADD, READ, EMPTY);

  private static final String PTX =
      """
      .version 7.0
      .target sm_75
      .address_size 64
      .visible .entry empty(.param .u32 n)
      {
        ret;
      }
      """
          + entry("copy", 1, "mov.f32 %c", ", %a", "")
          + entry("add", 2, "add.rn.f32 %c", ", %a", ", %b")
          + entry("read", 1, "mov.f32 %c", ", %a", "");

  private Ceilings() {}

  /** All kernels in one image. */
  static PtxImage image() {
    return PtxImage.of("ceilings", PTX);
  }

  /** The sizes of a stream over arrays of so many bytes. */
  static KernelSizes sizes(long byteSize) {
    return KernelSizes.of("n", Math.toIntExact(byteSize / Float.BYTES));
  }

  private static KernelSignature stream(String symbol, int inputs, boolean writes) {
    List<KernelParameter> parameters = new ArrayList<>();
    for (int i = 0; i < inputs; i++) {
      parameters.add(array("x" + i, true, false));
    }
    parameters.add(array("y", false, writes));
    parameters.add(new KernelParameter.Int("n"));
    return new KernelSignature(
        "ceilings.ptx",
        symbol,
        parameters,
        List.of(),
        sizes -> LaunchConfig.covering(sizes.get("n") / VECTOR, BLOCK, BLOCK));
  }

  /** An array of n floats; an output of a kernel that does not write could hold one vector. */
  private static KernelParameter.Pointer array(String name, boolean reads, boolean writes) {
    return new KernelParameter.Pointer(
        name,
        ElementType.FLOAT32,
        sizes -> reads ? sizes.get("n") : 0,
        sizes -> writes ? sizes.get("n") : reads ? 0 : VECTOR,
        false);
  }

  /** The operation on each of four floats; reading alone stores only what never is there. */
  private static String entry(
      String symbol, int inputs, String operation, String first, String second) {
    StringBuilder ptx = new StringBuilder();
    ptx.append(".visible .entry ").append(symbol).append("(");
    for (int i = 0; i < inputs; i++) {
      ptx.append(".param .u64 x").append(i).append(", ");
    }
    ptx.append(".param .u64 y, .param .u32 n)\n");
    ptx.append(
        """
        {
          .reg .pred %p, %q;
          .reg .b32 %r<7>;
          .reg .b64 %rd<6>;
          .reg .f32 %a<4>;
          .reg .f32 %b<4>;
          .reg .f32 %c<4>;
          mov.u32 %r1, %ctaid.x;
          mov.u32 %r2, %ntid.x;
          mov.u32 %r3, %tid.x;
          mad.lo.s32 %r4, %r1, %r2, %r3;
          ld.param.u32 %r5, [n];
          shr.u32 %r6, %r5, 2;
          setp.ge.u32 %p, %r4, %r6;
          @%p bra $END;
          mul.wide.u32 %rd1, %r4, 16;
        """);
    ptx.append(load("x0", "%a"));
    if (inputs > 1) {
      ptx.append(load("x1", "%b"));
    }
    for (int i = 0; i < VECTOR; i++) {
      ptx.append("  ").append(operation).append(i).append(first).append(i);
      ptx.append(second.isEmpty() ? "" : second + i).append(";\n");
    }
    if (symbol.equals("read")) {
      ptx.append("  add.rn.f32 %c0, %c0, %c1;\n  add.rn.f32 %c2, %c2, %c3;\n");
      ptx.append("  add.rn.f32 %c0, %c0, %c2;\n  setp.neu.f32 %q, %c0, 0f7F800000;\n");
      ptx.append("  @%q bra $END;\n  mov.u64 %rd1, 0;\n");
    }
    ptx.append(
        """
          ld.param.u64 %rd4, [y];
          add.s64 %rd5, %rd4, %rd1;
          st.global.v4.f32 [%rd5], {%c0, %c1, %c2, %c3};
        $END:
          ret;
        }
        """);
    return ptx.toString();
  }

  private static String load(String array, String register) {
    return """
      ld.param.u64 %%rd2, [%s];
      add.s64 %%rd3, %%rd2, %%rd1;
      ld.global.v4.f32 {%s0, %s1, %s2, %s3}, [%%rd3];
    """
        .formatted(array, register, register, register, register);
  }
}
