package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Traffic;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.memory.AddressMap;
import io.github.distillcuda.emulator.memory.AddressSpace;

/** The address spaces that an instruction may name, and how each is reached and counted. */
enum Space {
  GLOBAL(".global", Traffic.Kind.GLOBAL_LOAD, Traffic.Kind.GLOBAL_STORE),
  SHARED(".shared", Traffic.Kind.SHARED_LOAD, Traffic.Kind.SHARED_STORE),
  CLUSTER(".shared::cluster", Traffic.Kind.CLUSTER_LOAD, Traffic.Kind.CLUSTER_STORE),
  LOCAL(".local", Traffic.Kind.LOCAL_LOAD, Traffic.Kind.LOCAL_STORE);

  private final String suffix;
  private final Traffic.Kind loads;
  private final Traffic.Kind stores;

  Space(String suffix, Traffic.Kind loads, Traffic.Kind stores) {
    this.suffix = suffix;
    this.loads = loads;
    this.stores = stores;
  }

  /** As in {@code ld.global}. */
  String suffix() {
    return suffix;
  }

  Traffic.Kind loads() {
    return loads;
  }

  Traffic.Kind stores() {
    return stores;
  }

  /** The space that a generic address belongs to. */
  static Space ofGeneric(long address) {
    if (AddressMap.isShared(address)) {
      return SHARED;
    }
    return AddressMap.isLocal(address) ? LOCAL : GLOBAL;
  }

  /** What is taken off a generic address to make one of this space. */
  long window() {
    return switch (this) {
      case GLOBAL, CLUSTER -> 0;
      case SHARED -> AddressMap.SHARED_WINDOW;
      case LOCAL -> AddressMap.LOCAL_WINDOW;
    };
  }

  AddressSpace of(Warp warp) {
    return switch (this) {
      case GLOBAL -> warp.global();
      case SHARED, CLUSTER -> warp.shared();
      case LOCAL -> warp.local();
    };
  }
}
