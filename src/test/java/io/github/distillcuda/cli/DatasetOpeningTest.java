package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.data.SyntheticDataset;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class DatasetOpeningTest {
  @Test
  void givesWhatWasOpenedOnAnotherThread() {
    ImageDataset images = SyntheticDataset.create(1, 2, 2);
    AtomicBoolean elsewhere = new AtomicBoolean();
    Thread here = Thread.currentThread();
    try (DatasetOpening opening =
        new DatasetOpening(
            () -> {
              elsewhere.set(Thread.currentThread() != here);
              return images;
            })) {
      assertThat(opening.result()).isSameAs(images);
    }
    assertThat(elsewhere).isTrue();
  }

  @Test
  void throwsWhatTheOpeningThrew() {
    DistillException missing = new DistillException(ExitCode.DATA, "no such folder");
    try (DatasetOpening opening =
        new DatasetOpening(
            () -> {
              throw missing;
            })) {
      assertThatThrownBy(opening::result).isSameAs(missing);
    }
    OutOfMemoryError full = new OutOfMemoryError();
    try (DatasetOpening opening =
        new DatasetOpening(
            () -> {
              throw full;
            })) {
      assertThatThrownBy(opening::result).isSameAs(full);
    }
  }

  /** As where the device cannot be opened while a download goes on: nothing is printed behind. */
  @Test
  void closingEndsAnOpeningThatNobodyWaitsFor() throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    try (DatasetOpening unwanted =
        new DatasetOpening(
            () -> {
              begun.countDown();
              try {
                Thread.sleep(60_000);
              } catch (InterruptedException e) {
                interrupted.set(true);
              }
              return null;
            })) {
      assertThat(unwanted).isNotNull();
      begun.await();
    }
    assertThat(interrupted).as("and over, when close() returns").isTrue();
  }

  /** Such as a server that falls silent: reading from a socket must end, too. */
  @Test
  @Timeout(30)
  void closingEndsAnOpeningThatWaitsForASocket() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicReference<IOException> end = new AtomicReference<>();
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        DatasetOpening unwanted =
            new DatasetOpening(
                () -> {
                  try (Socket socket = new Socket(silent.getInetAddress(), silent.getLocalPort())) {
                    begun.countDown();
                    socket.getInputStream().read();
                  } catch (IOException e) {
                    end.set(e);
                  }
                  return null;
                })) {
      assertThat(unwanted).isNotNull();
      begun.await();
    }
    assertThat(end.get()).isNotNull();
  }
}
