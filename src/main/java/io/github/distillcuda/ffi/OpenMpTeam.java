package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * The threads that oneDNN's primitives run on, lent to Java code between two primitives. Java's own
 * threads would not do: those of OpenMP spin on after a primitive and hold the processors.
 *
 * <p>A team belongs to the thread that made it. Its other threads become daemons of the virtual
 * machine with their first task, and end with their owner.
 */
public final class OpenMpTeam {
  /** Work that each thread of a team does a part of. */
  @FunctionalInterface
  public interface Task {
    /**
     * Does one part.
     *
     * @param part which, from 0
     * @param parts how many there are, at most {@link OpenMpTeam#threads()}
     */
    void run(int part, int parts);
  }

  private final GompApi gomp;
  private final int threads;
  private final MemorySegment entry;
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private Task task;

  /**
   * The calling thread's team. Primitives it creates from now on are for as many threads.
   *
   * @param threads its threads, the calling one among them
   * @param arena how long tasks are run
   */
  public OpenMpTeam(GompApi gomp, int threads, Arena arena) {
    this.gomp = gomp;
    this.threads = threads;
    gomp.omp_set_num_threads(threads);
    entry = entry(arena);
  }

  @SuppressWarnings("restricted")
  private MemorySegment entry(Arena arena) {
    try {
      MethodType type = MethodType.methodType(void.class, long.class);
      MethodHandle runPart = MethodHandles.lookup().bind(this, "runPart", type);
      return Linker.nativeLinker().upcallStub(runPart, FunctionDescriptor.ofVoid(JAVA_LONG), arena);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError("runPart", e);
    }
  }

  /** Returns how many threads there are. */
  public int threads() {
    return threads;
  }

  /**
   * Creates what each thread will run by itself, inside a task: primitives are generated for the
   * number of threads that is set when they are created.
   */
  public <T> T forOneThread(Supplier<T> create) {
    gomp.omp_set_num_threads(1);
    try {
      return create.get();
    } finally {
      gomp.omp_set_num_threads(threads);
    }
  }

  /**
   * Runs a task and returns when all of its parts are done and what they wrote is visible.
   * Allocates nothing. What a part throws is thrown here, after the others have ended.
   */
  public void run(Task task) {
    this.task = task;
    if (threads == 1) {
      task.run(0, 1);
      return;
    }
    gomp.GOMP_parallel(entry, 0, threads);
    switch (failure.getAndSet(null)) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable t -> throw new AssertionError("a task throws no checked exception", t);
    }
  }

  /** Called by OpenMP on each thread; an exception that left it would end the virtual machine. */
  private void runPart(long unused) {
    try {
      task.run(gomp.omp_get_thread_num(), gomp.omp_get_num_threads());
    } catch (Throwable t) {
      failure.compareAndSet(null, t);
    }
  }
}
