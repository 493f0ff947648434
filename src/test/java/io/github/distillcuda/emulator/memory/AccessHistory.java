package io.github.distillcuda.emulator.memory;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import java.util.Arrays;

/**
 * The last writer and the last readers of every granule of a region. A granule is four bytes, until
 * somebody makes a narrower access: then the whole region is watched in steps of that width, so
 * that neighbouring bytes of two threads are told apart. Words are the common case, and four times
 * cheaper.
 *
 * <p>Not safe for use by several Java threads.
 */
final class AccessHistory {
  private final Region region;
  private int granuleShift = 2;
  private long[] writers;
  private long[] readers;

  /** The last readers by the read-only path; null as long as there was none. */
  private long[] readOnly;

  private long oldestValid;

  /** The smallest stamp that can race: an access before it is over. */
  private long present;

  private long bytesRead;
  private long bytesWritten;

  /**
   * Begins with nobody having touched anything.
   *
   * @param present the start of the launch that is running
   * @param oldestValid the smallest stamp of a write that initialises
   */
  AccessHistory(Region region, long present, long oldestValid) {
    this.region = region;
    this.present = present;
    this.oldestValid = oldestValid;
    writers = new long[granules(granuleShift)];
    readers = new long[granules(granuleShift)];
  }

  /** Everything until now is over, and the distinct bytes are counted anew. */
  void beginLaunch(long start) {
    present = start;
    bytesRead = 0;
    bytesWritten = 0;
  }

  /** Everything until now is over, and what was written counts as uninitialised. */
  void beginUninitialised(long start) {
    present = start;
    oldestValid = start;
  }

  /** Distinct bytes read in this launch. */
  long bytesRead() {
    return bytesRead;
  }

  /** Distinct bytes written in this launch. */
  long bytesWritten() {
    return bytesWritten;
  }

  void hostWrites(int offset, int length) {
    narrowToHost(offset, length);
    int end = offset + length;
    Arrays.fill(writers, offset >> granuleShift, granulesUntil(end), Stamp.HOST);
  }

  /** Uninitialises the bytes, as the content of fresh memory is. */
  void hostForgets(int offset, int length) {
    narrowToHost(offset, length);
    Arrays.fill(writers, offset >> granuleShift, granulesUntil(offset + length), Stamp.NONE);
  }

  void hostReads(int offset, int length) {
    for (int granule = offset >> granuleShift;
        granule < granulesUntil(offset + length);
        granule++) {
      if (writers[granule] < oldestValid) {
        throw EmulatorFault.ofHost(
            FaultKind.UNINITIALISED, "the host reads " + region.describe(granule << granuleShift));
      }
    }
  }

  void read(int offset, int width, long now, HappensBefore order) {
    narrowTo(width);
    int end = offset + width;
    for (int granule = offset >> granuleShift; granule << granuleShift < end; granule++) {
      long writer = writers[granule];
      if (writer < oldestValid) {
        throw uninitialised(granule, now);
      }
      if (writer >= present && !order.isBefore(writer, now)) {
        throw race("reads", granule, now, "written", writer, order);
      }
      long reader = readers[granule];
      if (reader < present) {
        bytesRead += 1 << granuleShift;
        readers[granule] = now;
      } else if (reader != now) {
        readers[granule] = order.join(reader, now);
      }
    }
  }

  /** By the read-only path: nobody writes there before the launch is over. */
  void readReadOnly(int offset, int width, long now, HappensBefore order) {
    read(offset, width, now, order);
    if (readOnly == null) {
      readOnly = new long[granules(granuleShift)];
    }
    int end = offset + width;
    for (int granule = offset >> granuleShift; granule << granuleShift < end; granule++) {
      if (writers[granule] >= present) {
        throw readOnly(granule, now);
      }
      readOnly[granule] = now;
    }
  }

  void write(int offset, int width, long now, HappensBefore order) {
    narrowTo(width);
    int end = offset + width;
    for (int granule = offset >> granuleShift; granule << granuleShift < end; granule++) {
      if (readOnly != null && readOnly[granule] >= present) {
        throw readOnly(granule, now);
      }
      long writer = writers[granule];
      if (writer < present) {
        bytesWritten += 1 << granuleShift;
      } else if (!order.isBefore(writer, now)) {
        throw race("writes", granule, now, "written", writer, order);
      }
      long reader = readers[granule];
      if (reader >= present && !order.isBefore(reader, now)) {
        throw race("writes", granule, now, "read", reader, order);
      }
      writers[granule] = now;
    }
  }

  /** An atomic read-modify-write: it races with plain accesses, not with other atomics. */
  void update(int offset, int width, long now, HappensBefore order) {
    narrowTo(width);
    int end = offset + width;
    for (int granule = offset >> granuleShift; granule << granuleShift < end; granule++) {
      if (readOnly != null && readOnly[granule] >= present) {
        throw readOnly(granule, now);
      }
      long writer = writers[granule];
      if (writer < oldestValid) {
        throw uninitialised(granule, now);
      }
      long reader = readers[granule];
      if (reader >= present && !order.isBefore(reader, now)) {
        throw race("updates", granule, now, "read", reader, order);
      }
      if (writer < present) {
        bytesRead += 1 << granuleShift;
        bytesWritten += 1 << granuleShift;
        writers[granule] = now | Stamp.ATOMIC;
      } else if (Stamp.isAtomic(writer) || order.isBefore(writer, now)) {
        writers[granule] = order.join(writer, now) | Stamp.ATOMIC;
      } else {
        throw race("updates", granule, now, "written", writer, order);
      }
    }
  }

  private void narrowTo(int width) {
    if (width < 1 << granuleShift) {
      int steps = granuleShift - Integer.numberOfTrailingZeros(width);
      granuleShift -= steps;
      writers = repeatEach(writers, steps);
      readers = repeatEach(readers, steps);
      readOnly = readOnly == null ? null : repeatEach(readOnly, steps);
    }
  }

  /** The host may copy any range of bytes; only one that cuts a granule in two needs bytes. */
  private void narrowToHost(int offset, int length) {
    int end = offset + length;
    int inGranule = (1 << granuleShift) - 1;
    if ((offset & inGranule) != 0 || ((end & inGranule) != 0 && end != region.size())) {
      narrowTo(1);
    }
  }

  private long[] repeatEach(long[] coarse, int steps) {
    long[] fine = new long[granules(granuleShift)];
    for (int i = 0; i < fine.length; i++) {
      fine[i] = coarse[i >> steps];
    }
    return fine;
  }

  private int granules(int shift) {
    return Math.toIntExact(((long) region.size() + (1L << shift) - 1) >> shift);
  }

  private int granulesUntil(int end) {
    return (int) (((long) end + (1L << granuleShift) - 1) >> granuleShift);
  }

  private EmulatorFault uninitialised(int granule, long now) {
    return EmulatorFault.ofLane(
        FaultKind.UNINITIALISED, Stamp.lane(now), region.describe(granule << granuleShift));
  }

  private EmulatorFault readOnly(int granule, long now) {
    return EmulatorFault.ofLane(
        FaultKind.READ_ONLY, Stamp.lane(now), region.describe(granule << granuleShift));
  }

  private EmulatorFault race(
      String verb, int granule, long now, String earlierVerb, long earlier, HappensBefore order) {
    return EmulatorFault.ofLane(
        FaultKind.RACE,
        Stamp.lane(now),
        "%s %s, which was %s by %s"
            .formatted(
                verb,
                region.describe(granule << granuleShift),
                earlierVerb,
                order.describe(earlier)));
  }
}
