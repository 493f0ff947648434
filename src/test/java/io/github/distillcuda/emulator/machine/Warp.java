package io.github.distillcuda.emulator.machine;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.fault.FaultSite;
import io.github.distillcuda.emulator.memory.AddressSpace;
import io.github.distillcuda.emulator.memory.ArraySpace;
import io.github.distillcuda.emulator.memory.HappensBefore;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.memory.Stamp;
import io.github.distillcuda.emulator.ptx.Instruction;
import java.util.Arrays;

/**
 * Thirty-two lanes that share one instruction stream. A set of lanes is an int with one bit a lane.
 *
 * <p>A warp object is used for one block after the other.
 */
public final class Warp {
  public static final int SIZE = 32;
  public static final int ALL_LANES = -1;

  private static final int NOT_WAITING = -1;

  /** Epochs from one cluster barrier to the next: so many block barriers may lie between. */
  private static final int EPOCHS_OF_CLUSTER = 64;

  /** Register rows of up to 32 bits: {@code words[row][lane]}. */
  public final int[][] words;

  /** Register rows of 64 bits. */
  public final long[][] wides;

  /** Predicate registers, one bit a lane. */
  public final int[] predicates;

  /** Where a memory instruction gathers the addresses of its lanes. */
  public final long[] addresses = new long[SIZE];

  /** Where an instruction that reads other lanes collects its results before it writes any. */
  public final int[] results = new int[SIZE];

  private final Block block;
  private final Grid grid;
  private final int indexInBlock;
  private final int existingLanes;
  private final LaneGroups groups = new LaneGroups();
  private final LocalMemory local;
  private int liveLanes;
  private int stopBefore;
  private int position;
  private int barrierPosition;
  private int epoch;
  private int clusterArrivals;
  private int clusterWaits;
  private boolean waitsForCluster;
  private long serial;
  private long stamp;

  Warp(Block block, Grid grid, int indexInBlock) {
    this.block = block;
    this.grid = grid;
    this.indexInBlock = indexInBlock;
    long threads = blockSize().count() - (long) indexInBlock * SIZE;
    existingLanes = threads >= SIZE ? ALL_LANES : (1 << threads) - 1;
    RegisterFile registers = grid.program().registers();
    words = new int[registers.words()][SIZE];
    wides = new long[registers.wides()][SIZE];
    predicates = new int[registers.predicates()];
    for (RegisterFile.Constant constant : registers.constants()) {
      switch (constant) {
        case RegisterFile.WordConstant word -> Arrays.fill(words[word.row()], word.bits());
        case RegisterFile.WideConstant wide -> Arrays.fill(wides[wide.row()], wide.bits());
        case RegisterFile.PredicateConstant predicate ->
            predicates[predicate.row()] = predicate.value() ? ALL_LANES : 0;
      }
    }
    local = new LocalMemory(grid.program().arrays());
  }

  /** Puts every lane before the first instruction of the block's new index. */
  void beginBlock(long warpSerial) {
    serial = warpSerial;
    liveLanes = existingLanes;
    barrierPosition = NOT_WAITING;
    clusterArrivals = 0;
    clusterWaits = 0;
    waitsForCluster = false;
    groups.clear();
    groups.add(0, existingLanes);
    local.beginBlock(warpSerial);
    beginEpoch(0);
    for (RegisterFile.Special special : grid.program().registers().specials()) {
      for (int lane = 0; lane < SIZE; lane++) {
        words[special.row()][lane] = special.register().valueFor(this, lane);
      }
    }
  }

  /** Runs until all lanes have ended or wait at a barrier of the block or the cluster. */
  void run() {
    grid.order().enterWarp(clusterWaits * EPOCHS_OF_CLUSTER);
    if (waitsForCluster && isClusterHere()) {
      passClusterBarrier();
    }
    while (!groups.isEmpty() && !isAtBarrier() && !waitsForCluster) {
      int group = groups.next();
      int lanes = groups.lanes(group);
      position = groups.position(group);
      groups.remove(group);
      runGroup(lanes);
    }
  }

  /** Runs one group until it meets another, or a branch makes a lower one. */
  private void runGroup(int lanes) {
    WarpInstruction[] operations = grid.operations();
    Counters counters = grid.counters();
    int start = position;
    int next = start;
    int running = lanes;
    stopBefore = groups.lowestPosition();
    try {
      do {
        position = next;
        counters.countInstruction(position, running);
        running = operations[position].execute(this, running);
        next++;
      } while (running != 0 && next < stopBefore);
      grid.burnFuel(next - start);
    } catch (EmulatorFault fault) {
      throw fault.at(siteOf(fault.lane()));
    }
    if (running != 0) {
      groups.add(next, running);
    }
  }

  // ---- what operations may do to the flow of control ----

  /** Sends lanes to another instruction. */
  public void jump(int target, int lanes) {
    groups.add(target, lanes);
    stopBefore = Math.min(stopBefore, target);
  }

  /** Notes a branch that parted the lanes that executed it. */
  public void countDivergentBranch() {
    grid.counters().countDivergentBranch();
  }

  /** Ends lanes. */
  public void end(int lanes) {
    liveLanes &= ~lanes;
  }

  /** Lets lanes wait for the whole block, once all of the warp's are here. */
  public void waitForBlock(int lanes) {
    if (gather(existingLanes, lanes, FaultKind.DIVERGENT_BARRIER)) {
      barrierPosition = position;
      groups.add(position + 1, lanes);
      stopBefore = 0;
    }
  }

  /** Tells the cluster that all that the lanes did until now is done. */
  public void arriveAtCluster(int lanes) {
    if (!gather(liveLanes, lanes, FaultKind.LOST_ARRIVAL)) {
      return;
    }
    if (clusterArrivals > clusterWaits) {
      throw EmulatorFault.ofLane(
          FaultKind.LOST_ARRIVAL, 0, "arrives twice without waiting in between");
    }
    clusterArrivals++;
    if (epoch >= clusterArrivals * EPOCHS_OF_CLUSTER) {
      throw EmulatorFault.ofLane(
          FaultKind.NOT_MODELLED,
          0,
          "a block barrier between arriving at the cluster and waiting for it, or more than "
              + EPOCHS_OF_CLUSTER);
    }
    beginEpoch(clusterArrivals * EPOCHS_OF_CLUSTER);
    groups.add(position + 1, lanes);
  }

  /** Lets lanes wait until all threads of the cluster have arrived. */
  public void waitForCluster(int lanes) {
    if (!gather(liveLanes, lanes, FaultKind.LOST_ARRIVAL)) {
      return;
    }
    if (clusterArrivals == clusterWaits) {
      throw EmulatorFault.ofLane(FaultKind.LOST_ARRIVAL, 0, "waits without having arrived");
    }
    groups.add(position + 1, lanes);
    waitsForCluster = true;
    stopBefore = 0;
    if (isClusterHere()) {
      passClusterBarrier();
    }
  }

  private boolean isClusterHere() {
    return block.cluster().completed() > clusterWaits;
  }

  private void passClusterBarrier() {
    waitsForCluster = false;
    clusterWaits++;
    grid.order().enterWarp(clusterWaits * EPOCHS_OF_CLUSTER);
  }

  /**
   * Makes sure that the lanes which an instruction needs are all here.
   *
   * @param absent the fault if some can never come
   * @return whether they are; if not, the group has been parked, and its instruction is executed
   *     again when others have joined it or none is left that could
   */
  public boolean gather(int members, int lanes, FaultKind absent) {
    int missing = members & ~lanes;
    if (missing == 0) {
      return true;
    }
    if (!groups.hasRunnable()) {
      int first = Integer.numberOfTrailingZeros(missing);
      throw EmulatorFault.ofLane(
          absent,
          Integer.numberOfTrailingZeros(lanes),
          "lanes %08x of warp %d are here, but lane %d %s"
              .formatted(lanes, indexInBlock, first, whereabouts(first)));
    }
    grid.counters().retractInstruction(position, lanes);
    groups.park(position, lanes);
    return false;
  }

  /** Orders the accesses of the warp's lanes before and after now. */
  public void passWarpBarrier(int members) {
    if (members != liveLanes) {
      throw EmulatorFault.ofLane(
          FaultKind.NOT_MODELLED,
          Integer.numberOfTrailingZeros(members),
          "a warp barrier of lanes %08x while lanes %08x live".formatted(members, liveLanes));
    }
    beginEpoch(epoch + 1);
  }

  // ---- block barriers, from the block's side ----

  boolean isAtBarrier() {
    return barrierPosition != NOT_WAITING;
  }

  int barrierPosition() {
    return barrierPosition;
  }

  boolean waitsForCluster() {
    return waitsForCluster;
  }

  boolean hasEnded() {
    return groups.isEmpty();
  }

  int epoch() {
    return epoch;
  }

  void passBlockBarrier(int newEpoch) {
    barrierPosition = NOT_WAITING;
    beginEpoch(newEpoch);
  }

  private void beginEpoch(int newEpoch) {
    if (newEpoch > Stamp.MAX_EPOCH) {
      throw EmulatorFault.ofLane(
          FaultKind.NOT_MODELLED, 0, "more than " + Stamp.MAX_EPOCH + " barriers in one block");
    }
    epoch = newEpoch;
    stamp = Stamp.ofWarp(serial, epoch);
  }

  // ---- what operations may ask ----

  /** The lanes that have not ended. */
  public int liveLanes() {
    return liveLanes;
  }

  /** What memory notes about an access that a lane makes now. */
  public long stampOf(int lane) {
    return Stamp.of(stamp, lane, position);
  }

  public HappensBefore order() {
    return grid.order();
  }

  public AddressSpace global() {
    return grid.memory();
  }

  public ArraySpace shared() {
    return block.shared();
  }

  /** The array at an address of the cluster's shared memory. */
  public Region clusterRegionNear(long clusterAddress, int lane) {
    return block.cluster().regionNear(clusterAddress, lane);
  }

  int rankInCluster() {
    return block.rank();
  }

  /** The blocks of the cluster. */
  public int clusterSize() {
    return block.cluster().size();
  }

  public AddressSpace local() {
    return local;
  }

  /** The kernel's parameter block. */
  public Region parameters() {
    return grid.parameters();
  }

  public Traffic traffic() {
    return grid.traffic();
  }

  /** The order in which the lanes of an atomic instruction take their turns. */
  public int[] laneOrder() {
    return grid.laneOrder();
  }

  public Dim3 threadIndex(int lane) {
    return blockSize().at((long) indexInBlock * SIZE + lane);
  }

  public Dim3 blockSize() {
    return grid.config().block();
  }

  public Dim3 blockIndex() {
    return block.index();
  }

  public Dim3 gridSize() {
    return grid.config().grid();
  }

  // ---- faults ----

  private String whereabouts(int lane) {
    int elsewhere = groups.positionOf(lane);
    return elsewhere < 0 ? "has ended" : "is at " + instruction(elsewhere).source();
  }

  private Instruction instruction(int at) {
    return grid.program().entry().instructions().get(at);
  }

  /** Where a lane is right now. */
  FaultSite siteOf(int lane) {
    Instruction here = instruction(isAtBarrier() ? barrierPosition : position);
    return new FaultSite(
        grid.program().entry().name(),
        here.source().toString(),
        here.mnemonic(),
        threadIndex(lane).toString(),
        block.index().toString());
  }
}
