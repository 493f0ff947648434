package io.github.distillcuda.emulator.machine;

import java.util.Optional;

/** The read-only registers that say where a thread is; all 32 bits wide. */
public enum SpecialRegister {
  TID_X("%tid.x", (warp, lane) -> warp.threadIndex(lane).x()),
  TID_Y("%tid.y", (warp, lane) -> warp.threadIndex(lane).y()),
  TID_Z("%tid.z", (warp, lane) -> warp.threadIndex(lane).z()),
  NTID_X("%ntid.x", (warp, lane) -> warp.blockSize().x()),
  NTID_Y("%ntid.y", (warp, lane) -> warp.blockSize().y()),
  NTID_Z("%ntid.z", (warp, lane) -> warp.blockSize().z()),
  CTAID_X("%ctaid.x", (warp, lane) -> warp.blockIndex().x()),
  CTAID_Y("%ctaid.y", (warp, lane) -> warp.blockIndex().y()),
  CTAID_Z("%ctaid.z", (warp, lane) -> warp.blockIndex().z()),
  NCTAID_X("%nctaid.x", (warp, lane) -> warp.gridSize().x()),
  NCTAID_Y("%nctaid.y", (warp, lane) -> warp.gridSize().y()),
  NCTAID_Z("%nctaid.z", (warp, lane) -> warp.gridSize().z()),
  CLUSTER_CTARANK("%cluster_ctarank", (warp, lane) -> warp.rankInCluster()),
  LANEID("%laneid", (warp, lane) -> lane),
  LANEMASK_EQ("%lanemask_eq", (warp, lane) -> 1 << lane),
  LANEMASK_LT("%lanemask_lt", (warp, lane) -> (1 << lane) - 1),
  LANEMASK_LE("%lanemask_le", (warp, lane) -> (2 << lane) - 1),
  LANEMASK_GT("%lanemask_gt", (warp, lane) -> -(2 << lane)),
  LANEMASK_GE("%lanemask_ge", (warp, lane) -> -(1 << lane));

  private interface Value {
    int of(Warp warp, int lane);
  }

  private final String ptxName;
  private final Value value;

  SpecialRegister(String ptxName, Value value) {
    this.ptxName = ptxName;
    this.value = value;
  }

  public static Optional<SpecialRegister> named(String ptxName) {
    for (SpecialRegister register : values()) {
      if (register.ptxName.equals(ptxName)) {
        return Optional.of(register);
      }
    }
    return Optional.empty();
  }

  int valueFor(Warp warp, int lane) {
    return value.of(warp, lane);
  }
}
