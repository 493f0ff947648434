package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/**
 * The functions of oneDNN 3.13's C API that are used, under their C names; {@code
 * native-notes/onednn.md} has the table. Those of attributes are in {@link OnednnAttributes}, those
 * that describe a primitive in {@link OnednnDescriptors}.
 *
 * <p>Handles and data pointers are plain numbers: what a handle points at belongs to the library,
 * so the host cannot read it by accident. 0 stands for NULL. What a {@code create} returns must be
 * given to {@link #destroy}; what a query returns belongs to the object that was asked. Every
 * status is checked and thrown as {@link NativeException}.
 */
public final class OnednnApi {
  /** The objects that are created and destroyed. */
  public enum Kind {
    ENGINE,
    STREAM,
    PRIMITIVE_ATTR,
    POST_OPS,
    MEMORY_DESC,
    MEMORY,
    PRIMITIVE_DESC,
    PRIMITIVE;

    private String destructor() {
      return "dnnl_" + name().toLowerCase(Locale.ROOT) + "_destroy";
    }
  }

  private final OnednnCalls calls;
  private final OnednnAttributes attributes;
  private final OnednnDescriptors descriptors;
  private final MethodHandle version;
  private final MethodHandle cpuIsa;
  private final MethodHandle setVerbose;
  private final MethodHandle engineCreate;
  private final MethodHandle streamCreate;
  private final MethodHandle streamWait;
  private final MethodHandle memoryDescCreateWithTag;
  private final MethodHandle memoryDescQuery;
  private final MethodHandle memoryDescEqual;
  private final MethodHandle memoryDescGetSize;
  private final MethodHandle memoryCreate;
  private final MethodHandle memorySetDataHandle;
  private final MethodHandle primitiveDescQuery;
  private final MethodHandle primitiveDescQueryMd;
  private final MethodHandle primitiveCreate;
  private final MethodHandle primitiveExecute;
  private final Map<Kind, MethodHandle> destructors = new EnumMap<>(Kind.class);

  OnednnApi(SharedLibrary library) {
    calls = new OnednnCalls(library);
    attributes = new OnednnAttributes(calls);
    descriptors = new OnednnDescriptors(calls);
    version = library.function("dnnl_version", FunctionDescriptor.of(ADDRESS));
    cpuIsa = calls.link("dnnl_get_effective_cpu_isa");
    setVerbose = calls.link("dnnl_set_verbose", JAVA_INT);
    engineCreate = calls.link("dnnl_engine_create", ADDRESS, JAVA_INT, JAVA_LONG);
    streamCreate = calls.link("dnnl_stream_create", ADDRESS, JAVA_LONG, JAVA_INT);
    streamWait = calls.link("dnnl_stream_wait", JAVA_LONG);
    memoryDescCreateWithTag =
        calls.link(
            "dnnl_memory_desc_create_with_tag", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    memoryDescQuery = calls.link("dnnl_memory_desc_query", JAVA_LONG, JAVA_INT, ADDRESS);
    memoryDescEqual = calls.link("dnnl_memory_desc_equal", JAVA_LONG, JAVA_LONG);
    memoryDescGetSize =
        library.function("dnnl_memory_desc_get_size", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG));
    memoryCreate = calls.link("dnnl_memory_create", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    memorySetDataHandle = calls.link("dnnl_memory_set_data_handle", JAVA_LONG, JAVA_LONG);
    primitiveDescQuery =
        calls.link("dnnl_primitive_desc_query", JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS);
    primitiveDescQueryMd =
        library.function(
            "dnnl_primitive_desc_query_md",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT));
    primitiveCreate = calls.link("dnnl_primitive_create", ADDRESS, JAVA_LONG);
    primitiveExecute =
        calls.link("dnnl_primitive_execute", JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG);
    for (Kind kind : Kind.values()) {
      destructors.put(kind, calls.link(kind.destructor(), JAVA_LONG));
    }
  }

  /** Returns the functions that build attributes. */
  public OnednnAttributes attributes() {
    return attributes;
  }

  /** Returns the functions that describe primitives. */
  public OnednnDescriptors descriptors() {
    return descriptors;
  }

  /** Returns the version as {@code 3.13.0}. */
  public String dnnl_version() {
    try {
      // dnnl_version_t begins with int major, minor, patch.
      int[] numbers = SharedLibrary.ints((MemorySegment) version.invokeExact(), 3);
      return numbers[0] + "." + numbers[1] + "." + numbers[2];
    } catch (Throwable t) {
      throw OnednnCalls.wrongDescriptor("dnnl_version()", t);
    }
  }

  /** Returns the instruction set that primitives are generated for, a {@code dnnl_cpu_isa_t}. */
  public int dnnl_get_effective_cpu_isa() {
    try {
      return (int) cpuIsa.invokeExact();
    } catch (Throwable t) {
      throw OnednnCalls.wrongDescriptor("dnnl_get_effective_cpu_isa()", t);
    }
  }

  /** Sets how much the library writes to standard output; 0 for nothing. */
  public void dnnl_set_verbose(int level) {
    calls.run("dnnl_set_verbose(level=" + level + ")", () -> (int) setVerbose.invokeExact(level));
  }

  /** Destroys an object. */
  public void destroy(Kind kind, long handle) {
    MethodHandle destructor = destructors.get(kind);
    calls.run(
        kind.destructor() + "(" + hex(handle) + ")", () -> (int) destructor.invokeExact(handle));
  }

  public long dnnl_engine_create(int kind, long index) {
    return calls.create(
        "dnnl_engine_create(kind=" + kind + ", index=" + index + ")",
        (arena, out) -> (int) engineCreate.invokeExact(out, kind, index));
  }

  public long dnnl_stream_create(long engine, int flags) {
    return calls.create(
        "dnnl_stream_create(engine=" + hex(engine) + ", flags=" + flags + ")",
        (arena, out) -> (int) streamCreate.invokeExact(out, engine, flags));
  }

  public void dnnl_stream_wait(long stream) {
    calls.run(
        "dnnl_stream_wait(stream=" + hex(stream) + ")", () -> (int) streamWait.invokeExact(stream));
  }

  public long dnnl_memory_desc_create_with_tag(long[] dims, int dataType, int tag) {
    return calls.create(
        "dnnl_memory_desc_create_with_tag(dims=%s, data_type=%d, tag=%d)"
            .formatted(Arrays.toString(dims), dataType, tag),
        (arena, out) ->
            (int)
                memoryDescCreateWithTag.invokeExact(
                    out, dims.length, OnednnCalls.dims(arena, dims), dataType, tag));
  }

  /** Returns the {@code dnnl_data_type_t} of a memory's elements. */
  public int dataType(long memoryDesc) {
    return calls.number(
        "dnnl_memory_desc_query(data_type)",
        (arena, out) ->
            (int) memoryDescQuery.invokeExact(memoryDesc, OnednnConstants.QUERY_DATA_TYPE, out));
  }

  public boolean dnnl_memory_desc_equal(long left, long right) {
    try {
      return (int) memoryDescEqual.invokeExact(left, right) != 0;
    } catch (Throwable t) {
      throw OnednnCalls.wrongDescriptor("dnnl_memory_desc_equal()", t);
    }
  }

  /** Returns the bytes a memory of this description needs, its padding included. */
  public long dnnl_memory_desc_get_size(long memoryDesc) {
    try {
      return (long) memoryDescGetSize.invokeExact(memoryDesc);
    } catch (Throwable t) {
      throw OnednnCalls.wrongDescriptor("dnnl_memory_desc_get_size()", t);
    }
  }

  /**
   * Creates a memory over the caller's bytes.
   *
   * @param data the address of the first byte, which must outlive the memory
   */
  public long dnnl_memory_create(long memoryDesc, long engine, long data) {
    return calls.create(
        "dnnl_memory_create(size=%d, data=%s)"
            .formatted(dnnl_memory_desc_get_size(memoryDesc), hex(data)),
        (arena, out) -> (int) memoryCreate.invokeExact(out, memoryDesc, engine, data));
  }

  public void dnnl_memory_set_data_handle(long memory, long data) {
    calls.run(
        "dnnl_memory_set_data_handle(data=" + hex(data) + ")",
        () -> (int) memorySetDataHandle.invokeExact(memory, data));
  }

  /** Returns the name of the implementation that a primitive descriptor stands for. */
  public String implementation(long primitiveDesc) {
    return calls.string(
        "dnnl_primitive_desc_query(impl_info_str)",
        (arena, out) ->
            (int)
                primitiveDescQuery.invokeExact(
                    primitiveDesc, OnednnConstants.QUERY_IMPL_INFO_STR, 0, out));
  }

  /** Returns the memory descriptor asked for, owned by the primitive descriptor; 0 for none. */
  public long dnnl_primitive_desc_query_md(long primitiveDesc, int what, int index) {
    try {
      return (long) primitiveDescQueryMd.invokeExact(primitiveDesc, what, index);
    } catch (Throwable t) {
      throw OnednnCalls.wrongDescriptor("dnnl_primitive_desc_query_md()", t);
    }
  }

  public long dnnl_primitive_create(long primitiveDesc) {
    return calls.create(
        "dnnl_primitive_create(" + implementation(primitiveDesc) + ")",
        (arena, out) -> (int) primitiveCreate.invokeExact(out, primitiveDesc));
  }

  /**
   * Runs a primitive; the only function of the hot path, so it allocates nothing unless it fails.
   *
   * @param arguments the address of {@code count} structs {int argument; void* memory}
   */
  public void dnnl_primitive_execute(long primitive, long stream, int count, long arguments) {
    int status;
    try {
      status = (int) primitiveExecute.invokeExact(primitive, stream, count, arguments);
    } catch (Throwable t) {
      throw OnednnCalls.wrongDescriptor("dnnl_primitive_execute()", t);
    }
    if (status != OnednnConstants.SUCCESS) {
      throw calls.failure(
          "dnnl_primitive_execute(" + hex(primitive) + ", nargs=" + count + ")", status);
    }
  }

  private static String hex(long handle) {
    return "0x" + Long.toHexString(handle);
  }
}
