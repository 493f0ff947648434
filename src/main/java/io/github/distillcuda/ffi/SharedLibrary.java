package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** One native library, loaded until the process ends. */
final class SharedLibrary {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final int RTLD_NOW = 2;

  private final String name;
  private final SymbolLookup symbols;
  private final Map<String, FunctionDescriptor> linked = new TreeMap<>();

  private SharedLibrary(String name, SymbolLookup symbols) {
    this.name = name;
    this.symbols = symbols;
  }

  /**
   * Loads a library.
   *
   * @throws UnsatisfiedLinkError with the loader's own reason if it cannot be loaded
   */
  @SuppressWarnings("restricted")
  static SharedLibrary open(Path file) {
    try {
      // Global: code and handles of a library outlive every object that calls into it.
      return new SharedLibrary(
          file.getFileName().toString(), SymbolLookup.libraryLookup(file, Arena.global()));
    } catch (IllegalArgumentException e) {
      String reason = loaderReason(file.toString());
      // The reason names the file, unless it is one that the file depends on.
      throw notLoaded(reason.startsWith(file.toString()) ? reason : file + ": " + reason, e);
    }
  }

  /**
   * Loads a library that the loader finds by itself: in LD_LIBRARY_PATH, or in its cache.
   *
   * @throws UnsatisfiedLinkError with the loader's own reason if it finds none
   */
  @SuppressWarnings("restricted")
  static SharedLibrary openByName(String soname) {
    try {
      return new SharedLibrary(soname, SymbolLookup.libraryLookup(soname, Arena.global()));
    } catch (IllegalArgumentException e) {
      throw notLoaded(loaderReason(soname), e);
    }
  }

  private static UnsatisfiedLinkError notLoaded(String reason, IllegalArgumentException cause) {
    UnsatisfiedLinkError error = new UnsatisfiedLinkError(reason);
    error.initCause(cause);
    return error;
  }

  /**
   * Links a function.
   *
   * @throws UnsatisfiedLinkError if the library does not export it
   */
  @SuppressWarnings("restricted")
  MethodHandle function(String symbol, FunctionDescriptor descriptor) {
    MemorySegment address = address(symbol);
    linked.put(symbol, descriptor);
    return LINKER.downcallHandle(address, descriptor);
  }

  /** Returns where a function or a variable is, if the library exports it. */
  Optional<MemorySegment> find(String symbol) {
    return symbols.find(symbol);
  }

  /**
   * Returns where a function or a variable is.
   *
   * @throws UnsatisfiedLinkError if the library does not export it
   */
  MemorySegment address(String symbol) {
    return find(symbol)
        .orElseThrow(() -> new UnsatisfiedLinkError(name + " does not export " + symbol));
  }

  /** Returns what was linked so far by symbol, for a test to compare with the library's headers. */
  Map<String, FunctionDescriptor> linked() {
    return Map.copyOf(linked);
  }

  /**
   * Reads a C string of unknown length.
   *
   * @param address of the first character
   */
  @SuppressWarnings("restricted")
  static String string(MemorySegment address) {
    return address.reinterpret(Long.MAX_VALUE).getString(0);
  }

  /**
   * Reads an array of C ints.
   *
   * @param address of the first
   */
  @SuppressWarnings("restricted")
  static int[] ints(MemorySegment address, int count) {
    return address.reinterpret(count * JAVA_INT.byteSize()).toArray(JAVA_INT);
  }

  /** Returns memory that a library allocated, with the extent it has. */
  @SuppressWarnings("restricted")
  static MemorySegment memory(long address, long byteSize) {
    return MemorySegment.ofAddress(address).reinterpret(byteSize);
  }

  /** Asks the loader why it refuses a file, since the lookup above only says that it does. */
  @SuppressWarnings("restricted")
  private static String loaderReason(String file) {
    SymbolLookup libc = LINKER.defaultLookup();
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle dlopen =
          LINKER.downcallHandle(
              libc.findOrThrow("dlopen"), FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
      MethodHandle dlerror =
          LINKER.downcallHandle(libc.findOrThrow("dlerror"), FunctionDescriptor.of(ADDRESS));
      MemorySegment handle = (MemorySegment) dlopen.invokeExact(arena.allocateFrom(file), RTLD_NOW);
      if (handle.address() != 0) {
        return "refused by the lookup, though the loader takes it";
      }
      return string((MemorySegment) dlerror.invokeExact());
    } catch (Throwable t) {
      throw new AssertionError("dlopen downcall", t);
    }
  }
}
