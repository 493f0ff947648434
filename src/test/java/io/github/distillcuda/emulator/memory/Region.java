package io.github.distillcuda.emulator.memory;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A named run of bytes at an address: a device allocation, a shared array or a thread's local
 * memory. Little-endian, as the GPU is. A fresh region is uninitialised and full of ones, which
 * reads as NaN, so that what escapes a check does not look like a result. The bytes exist from
 * their first use to the region's end, so that a workspace nobody looks into costs nothing.
 */
public final class Region {
  private static final VarHandle SHORTS = view(short[].class);
  private static final VarHandle INTS = view(int[].class);
  private static final VarHandle LONGS = view(long[].class);

  private final String name;
  private final long address;
  private final int size;
  private final EmulatedMemory memory;
  private byte[] bytes;
  private AccessHistory history;
  private long present = Stamp.HOST;
  private long oldestValid = Stamp.HOST;
  private boolean freed;

  /**
   * Reserves the bytes.
   *
   * @param memory whose allocation it is; null if it lies outside of device memory
   */
  Region(String name, long address, int size, EmulatedMemory memory) {
    this.name = name;
    this.address = address;
    this.size = size;
    this.memory = memory;
  }

  private void materialise() {
    if (bytes == null) {
      bytes = new byte[size];
      Arrays.fill(bytes, (byte) 0xff);
      history = new AccessHistory(this, present, oldestValid);
    }
  }

  /** A region of its own, outside device memory, that holds these bytes: a parameter block. */
  public static Region ofBytes(String name, byte[] content) {
    Region region = new Region(name, 0, content.length, null);
    region.hostWrite(0, content);
    return region;
  }

  private static VarHandle view(Class<?> arrayType) {
    return MethodHandles.byteArrayViewVarHandle(arrayType, ByteOrder.LITTLE_ENDIAN);
  }

  public String name() {
    return name;
  }

  /** The device address of the first byte. */
  public long address() {
    return address;
  }

  /** Size in bytes. */
  public int size() {
    return size;
  }

  /** Distinct bytes that the last launch read. */
  public long bytesRead() {
    return history == null ? 0 : history.bytesRead();
  }

  /** Distinct bytes that the last launch wrote. */
  public long bytesWritten() {
    return history == null ? 0 : history.bytesWritten();
  }

  /** Whether the whole access lies inside. */
  public boolean holds(long accessAddress, int width) {
    long offset = accessAddress - address;
    return offset >= 0 && offset <= size - width;
  }

  /** Turns an address into an offset, after checking bounds, alignment and that nobody freed it. */
  public int locate(long accessAddress, int width, int lane) {
    long offset = accessAddress - address;
    if (offset < 0 || offset > size - width) {
      throw EmulatorFault.ofLane(
          FaultKind.OUT_OF_BOUNDS, lane, width + " bytes at " + describe(offset));
    }
    if ((offset & (width - 1)) != 0) {
      throw EmulatorFault.ofLane(
          FaultKind.MISALIGNED, lane, width + " bytes at " + describe(offset));
    }
    if (freed) {
      throw EmulatorFault.ofLane(FaultKind.USE_AFTER_FREE, lane, describe(offset));
    }
    materialise();
    return (int) offset;
  }

  /** For a message: {@code offset 400 of y (400 bytes), address 0x...}. */
  String describe(long offset) {
    return "offset %d of %s (%d bytes), address 0x%x"
        .formatted(offset, name, size, address + offset);
  }

  /** Notes a read by a thread, and throws if it is uninitialised or races. */
  public void noteRead(int offset, int width, long stamp, HappensBefore order) {
    history.read(offset, width, stamp, order);
    leaveRead(offset, width);
  }

  /** Notes a read by the read-only path; throws also if the launch writes there. */
  public void noteReadOnly(int offset, int width, long stamp, HappensBefore order) {
    history.readReadOnly(offset, width, stamp, order);
  }

  /** Notes a write by a thread, and throws if it races. */
  public void noteWrite(int offset, int width, long stamp, HappensBefore order) {
    history.write(offset, width, stamp, order);
    leaveWrite(offset, width);
  }

  /** Notes an atomic update by a thread, and throws if it is uninitialised or races. */
  public void noteUpdate(int offset, int width, long stamp, HappensBefore order) {
    history.update(offset, width, stamp, order);
    leaveRead(offset, width);
    leaveWrite(offset, width);
  }

  public byte getByte(int offset) {
    materialise();
    return bytes[offset];
  }

  public short getShort(int offset) {
    return (short) SHORTS.get(bytes, offset);
  }

  public int getInt(int offset) {
    return (int) INTS.get(bytes, offset);
  }

  public long getLong(int offset) {
    return (long) LONGS.get(bytes, offset);
  }

  public void putByte(int offset, int value) {
    bytes[offset] = (byte) value;
  }

  public void putShort(int offset, int value) {
    SHORTS.set(bytes, offset, (short) value);
  }

  public void putInt(int offset, int value) {
    INTS.set(bytes, offset, value);
  }

  public void putLong(int offset, long value) {
    LONGS.set(bytes, offset, value);
  }

  /** Copies bytes in from the host, and initialises them. */
  public void hostWrite(int offset, byte[] source) {
    checkHostRange(offset, source.length);
    materialise();
    System.arraycopy(source, 0, bytes, offset, source.length);
    history.hostWrites(offset, source.length);
    leaveWrite(offset, source.length);
  }

  /** Copies bytes out to the host; throws if one of them was never written. */
  public byte[] hostRead(int offset, int length) {
    checkHostRange(offset, length);
    materialise();
    history.hostReads(offset, length);
    leaveRead(offset, length);
    return Arrays.copyOfRange(bytes, offset, offset + length);
  }

  /** Makes bytes what they were before their first use, as scratch memory is after it. */
  public void hostForget(int offset, int length) {
    checkHostRange(offset, length);
    leaveWrite(offset, length);
    if (bytes != null) {
      Arrays.fill(bytes, offset, offset + length, (byte) 0xff);
      history.hostForgets(offset, length);
    }
  }

  /** Leaves a mark in the footprint of the operation that is done, if somebody takes it. */
  private void leaveRead(int offset, int length) {
    if (memory != null) {
      memory.noteRead(this, offset, length);
    }
  }

  private void leaveWrite(int offset, int length) {
    if (memory != null) {
      memory.noteWrite(this, offset, length);
    }
  }

  /** A launch whose smallest stamp is {@code start} begins: nothing before it can race. */
  void beginLaunch(long start) {
    present = start;
    if (history != null) {
      history.beginLaunch(start);
    }
  }

  /** A block whose smallest stamp is {@code start} begins, and finds this memory uninitialised. */
  void beginBlock(long start) {
    present = start;
    oldestValid = start;
    if (history != null) {
      history.beginUninitialised(start);
    }
  }

  void free() {
    freed = true;
    bytes = null;
    history = null;
  }

  private void checkHostRange(int offset, int length) {
    if (freed) {
      throw EmulatorFault.ofHost(FaultKind.USE_AFTER_FREE, describe(offset));
    }
    if (offset < 0 || length > size - offset) {
      throw EmulatorFault.ofHost(
          FaultKind.OUT_OF_BOUNDS, "the host copies " + length + " bytes at " + describe(offset));
    }
  }
}
