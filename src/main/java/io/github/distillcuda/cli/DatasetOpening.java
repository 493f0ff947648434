package io.github.distillcuda.cli;

import io.github.distillcuda.data.ImageDataset;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/**
 * A data set that is being opened on another thread, beside the device: each of them takes a
 * quarter of a second.
 */
final class DatasetOpening implements AutoCloseable {
  private final FutureTask<ImageDataset> task;
  private final Thread thread;

  /** Begins. */
  DatasetOpening(Supplier<ImageDataset> opening) {
    task = new FutureTask<>(opening::get);
    // Not of the common pool, which has one thread for two processors: drawing and hashing use it.
    // Virtual, because a virtual thread that is interrupted leaves a socket it waits for.
    thread = Thread.ofVirtual().name("data set").start(task);
  }

  /** Waits for the data set; throws what kept it from being opened. */
  ImageDataset result() {
    try {
      return task.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new AssertionError("opening a data set", e);
      }
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts this thread", e);
    }
  }

  /**
   * Where nobody wants the data set any more: ends a download, also one whose server is silent, and
   * waits until the thread has ended.
   */
  @Override
  public void close() {
    if (!task.isDone()) {
      thread.interrupt();
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new AssertionError("nobody interrupts this thread", e);
      }
    }
  }
}
