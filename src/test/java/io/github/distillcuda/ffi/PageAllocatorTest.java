package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PageAllocatorTest {
  private static final long[] SIZES = {
    1, 64, 100, 4096, 1 << 20, 1 << 20, 3, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 9_000_000, 5
  };

  @Test
  void memoryIsZeroedAlignedAndNobodyElses() {
    try (Arena arena = Arena.ofConfined()) {
      PageAllocator pages = new PageAllocator(arena);
      List<MemorySegment> segments = new ArrayList<>();
      for (long size : SIZES) {
        MemorySegment segment = pages.allocate(size, 64);
        assertThat(segment.byteSize()).isEqualTo(size);
        assertThat(segment.address() % 64).isZero();
        assertThat(segment.mismatch(MemorySegment.ofArray(new byte[(int) size]))).isEqualTo(-1);
        segment.fill((byte) (segments.size() + 1));
        segments.add(segment);
      }
      for (MemorySegment segment : segments) {
        byte own = (byte) (segments.indexOf(segment) + 1);
        for (byte value : segment.toArray(JAVA_BYTE)) {
          assertThat(value == own).isTrue();
        }
      }
    }
  }

  @Test
  void whatIsSmallSharesABlock() {
    try (Arena arena = Arena.ofConfined()) {
      PageAllocator pages = new PageAllocator(arena);
      MemorySegment first = pages.allocate(10, 64);
      assertThat(pages.allocate(8_000_000, 64).address()).isNotEqualTo(first.address());
      assertThat(pages.allocate(10, 64).address()).isEqualTo(first.address() + 64);
      assertThat(pages.allocate(10, 4096).address() % 4096).isZero();
      assertThat(pages.allocate(2 << 20, 64).address() % (2 << 20)).as("a huge page").isZero();
    }
  }

  @Test
  void closingTheArenaGivesThePagesBack() throws IOException {
    long address;
    try (Arena arena = Arena.ofShared()) {
      address = new PageAllocator(arena).allocate(64 << 20, 4096).address();
      assertThat(isMapped(address + (32 << 20))).isTrue();
    }
    assertThat(isMapped(address + (32 << 20))).isFalse();
  }

  @Test
  void moreThanThereIsIsSaid() {
    try (Arena arena = Arena.ofConfined()) {
      PageAllocator pages = new PageAllocator(arena);
      assertThatThrownBy(() -> pages.allocate(1L << 60, 64))
          .isInstanceOf(DistillException.class)
          .hasMessageStartingWith("the system has no 1099511627776 MiB of memory left");
    }
  }

  @Test
  void aClosedArenaLeavesNothingMapped() throws IOException {
    Arena arena = Arena.ofConfined();
    PageAllocator pages = new PageAllocator(arena);
    arena.close();
    long before = mappings();
    for (int i = 0; i < 20; i++) {
      assertThatThrownBy(() -> pages.allocate(64 << 20, 64))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThat(mappings() - before).as("mappings of 64 MiB").isLessThan(20L * (64 << 20));
  }

  /** The address space in use, of which other threads of this process have a little. */
  private static long mappings() throws IOException {
    String pages = Files.readString(Path.of("/proc/self/statm")).split(" ")[0];
    return 4096 * Long.parseLong(pages);
  }

  /** Asks the kernel: each line of its list begins with the first and the end address. */
  private static boolean isMapped(long address) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/maps")).stream()
        .map(line -> line.split("[- ]", 3))
        .anyMatch(
            range ->
                Long.parseUnsignedLong(range[0], 16) <= address
                    && address < Long.parseUnsignedLong(range[1], 16));
  }
}
