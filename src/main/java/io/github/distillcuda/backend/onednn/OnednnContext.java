package io.github.distillcuda.backend.onednn;

import static io.github.distillcuda.ffi.OnednnConstants.ACCUMULATION_MODE_STRICT;
import static io.github.distillcuda.ffi.OnednnConstants.BF16;
import static io.github.distillcuda.ffi.OnednnConstants.CPU;
import static io.github.distillcuda.ffi.OnednnConstants.ELTWISE_RELU;
import static io.github.distillcuda.ffi.OnednnConstants.F32;
import static io.github.distillcuda.ffi.OnednnConstants.FORMAT_A;
import static io.github.distillcuda.ffi.OnednnConstants.FORMAT_AB;
import static io.github.distillcuda.ffi.OnednnConstants.FORMAT_ABC;
import static io.github.distillcuda.ffi.OnednnConstants.FORMAT_ABCD;
import static io.github.distillcuda.ffi.OnednnConstants.FORMAT_ACDB;
import static io.github.distillcuda.ffi.OnednnConstants.FORMAT_ANY;
import static io.github.distillcuda.ffi.OnednnConstants.FORMAT_CDBA;
import static io.github.distillcuda.ffi.OnednnConstants.FPMATH_MODE_STRICT;
import static io.github.distillcuda.ffi.OnednnConstants.SCRATCHPAD_MODE_USER;
import static io.github.distillcuda.ffi.OnednnConstants.STREAM_IN_ORDER;

import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.ffi.OnednnApi;
import io.github.distillcuda.ffi.OnednnApi.Kind;
import io.github.distillcuda.ffi.OnednnAttributes;
import io.github.distillcuda.ffi.OnednnDescriptors;
import io.github.distillcuda.ffi.OnednnLibrary;
import io.github.distillcuda.ffi.OpenMpTeam;
import io.github.distillcuda.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The engine and the lanes of one backend, the attributes all of its primitives have, and the scope
 * that owns everything until the backend is closed. Used by the thread that made it alone: OpenMP
 * gives every calling thread a team of its own.
 *
 * <p>Operands are what convolutions and products multiply, and what they hand to each other:
 * activations, their gradients and the weights as products read them. They are float32 or bfloat16;
 * sums, biases, logits and everything the optimizer touches are float32 either way.
 */
final class OnednnContext implements AutoCloseable {
  private final Lifetime lifetime = new Lifetime("OnednnBackend");
  private final OnednnApi api;
  private final HandleScope scope;
  private final DType operandType;
  private final OpenMpTeam team;
  private final Map<WinogradGroup.Extents, List<WinogradGroup>> winogradGroups = new HashMap<>();
  private final long engine;
  private final Lane lane;
  private final long attributes;
  private final long reluAttributes;

  /**
   * Creates engine and stream.
   *
   * @param threads of each primitive, positive
   * @param deterministic whether two runs of a primitive must give the same bits
   * @param operandType float32 or bfloat16
   */
  OnednnContext(OnednnLibrary library, int threads, boolean deterministic, DType operandType) {
    this.operandType = operandType;
    api = library.onednn();
    scope = HandleScope.ofTeam(api);
    // Before any primitive is created: they are generated for a number of threads.
    team = new OpenMpTeam(library.gomp(), threads, scope.arena());
    engine = scope.own(Kind.ENGINE, api.dnnl_engine_create(CPU, 0));
    lane = createLane();
    attributes = createAttributes(deterministic);
    reluAttributes = createAttributes(deterministic);
    long postOps = scope.own(Kind.POST_OPS, api.attributes().dnnl_post_ops_create());
    api.attributes().dnnl_post_ops_append_eltwise(postOps, ELTWISE_RELU, 0, 0);
    api.attributes().dnnl_primitive_attr_set_post_ops(reluAttributes, postOps);
  }

  /** Creates a stream and a scratchpad that live as long as this context. */
  Lane createLane() {
    long stream = scope.own(Kind.STREAM, api.dnnl_stream_create(engine, STREAM_IN_ORDER));
    return new Lane(stream, scope.own(new Scratchpad(this)));
  }

  private long createAttributes(boolean deterministic) {
    OnednnAttributes functions = api.attributes();
    long created = scope.own(Kind.PRIMITIVE_ATTR, functions.dnnl_primitive_attr_create());
    functions.dnnl_primitive_attr_set_deterministic(created, deterministic ? 1 : 0);
    functions.dnnl_primitive_attr_set_scratchpad_mode(created, SCRATCHPAD_MODE_USER);
    functions.dnnl_primitive_attr_set_accumulation_mode(created, ACCUMULATION_MODE_STRICT);
    functions.dnnl_primitive_attr_set_fpmath_mode(created, FPMATH_MODE_STRICT);
    return created;
  }

  /**
   * Throws unless the backend is open and this is its thread.
   *
   * @throws IllegalStateException otherwise
   */
  void check() {
    lifetime.check();
  }

  OnednnApi api() {
    return api;
  }

  /** Returns the functions that describe primitives. */
  OnednnDescriptors describe() {
    return api.descriptors();
  }

  HandleScope scope() {
    return scope;
  }

  /** Returns the threads that primitives run on, for what runs between them. */
  OpenMpTeam team() {
    return team;
  }

  /** Returns so many groups of Winograd convolutions of these extents, for a thread each. */
  List<WinogradGroup> winogradGroups(WinogradGroup.Extents extents, int count) {
    List<WinogradGroup> groups =
        winogradGroups.computeIfAbsent(extents, wanted -> new ArrayList<>());
    while (groups.size() < count) {
      groups.add(team.forOneThread(() -> new WinogradGroup(this, extents)));
    }
    return List.copyOf(groups.subList(0, count));
  }

  long engine() {
    return engine;
  }

  /** Returns the lane of the primitives that the context's thread runs. */
  Lane lane() {
    return lane;
  }

  /** Returns the attributes of a primitive. */
  long attributes() {
    return attributes;
  }

  /** Returns the attributes of a primitive that is followed by a ReLU. */
  long reluAttributes() {
    return reluAttributes;
  }

  /** Describes float32 elements in row-major order; of rank 1 to 4. */
  long plain(long... dims) {
    return describeMemory(dims, DType.FLOAT32, rowMajor(dims));
  }

  /** Describes float32 elements in whatever order the primitive that gets this prefers. */
  long any(long... dims) {
    return describeMemory(dims, DType.FLOAT32, FORMAT_ANY);
  }

  /** Describes an operand in row-major order; of rank 1 to 4. */
  long plainOperand(long... dims) {
    return describeMemory(dims, operandType, rowMajor(dims));
  }

  /** Describes an operand in whatever order the primitive that gets this prefers. */
  long anyOperand(long... dims) {
    return describeMemory(dims, operandType, FORMAT_ANY);
  }

  /** Describes float32 images [N,C,H,W] that lie as [N,H,W,C]. */
  long channelsLast(long... dims) {
    return describeMemory(dims, DType.FLOAT32, FORMAT_ACDB);
  }

  /** Describes float32 filters [O,I,H,W] that lie as [H,W,I,O]. */
  long filtersLast(long... dims) {
    return describeMemory(dims, DType.FLOAT32, FORMAT_CDBA);
  }

  private static int rowMajor(long[] dims) {
    return switch (dims.length) {
      case 1 -> FORMAT_A;
      case 2 -> FORMAT_AB;
      case 3 -> FORMAT_ABC;
      case 4 -> FORMAT_ABCD;
      default -> throw new IllegalArgumentException("rank " + dims.length);
    };
  }

  private long describeMemory(long[] dims, DType type, int format) {
    int dataType = type == DType.BFLOAT16 ? BF16 : F32;
    return scope.own(
        Kind.MEMORY_DESC, api.dnnl_memory_desc_create_with_tag(dims, dataType, format));
  }

  /** Returns the type of the operands. */
  DType operandType() {
    return operandType;
  }

  /** Returns the type of the elements that a descriptor describes. */
  DType type(long descriptor) {
    return api.dataType(descriptor) == BF16 ? DType.BFLOAT16 : DType.FLOAT32;
  }

  /** Returns whether two descriptors have the same type, extents, padding and order. */
  boolean same(long left, long right) {
    return api.dnnl_memory_desc_equal(left, right);
  }

  /** Allocates what a descriptor needs, zeroed. */
  MemorySegment allocate(long descriptor) {
    return scope.allocate(api.dnnl_memory_desc_get_size(descriptor));
  }

  /** Creates the memory object of a descriptor over bytes that live as long as this context. */
  long memory(long descriptor, MemorySegment data) {
    return scope.own(Kind.MEMORY, api.dnnl_memory_create(descriptor, engine, data.address()));
  }

  /** Frees everything; a second call does nothing. */
  @Override
  public void close() {
    if (lifetime.close()) {
      scope.close();
    }
  }
}
