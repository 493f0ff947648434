package io.github.distillcuda.emulator.machine;

import io.github.distillcuda.emulator.memory.AddressMap;
import io.github.distillcuda.emulator.memory.ArraySpace;
import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.Variable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where the shared and local arrays of a kernel lie, each within its own space. */
public final class ArrayLayout {
  private final List<Variable> shared = new ArrayList<>();
  private final List<Variable> local = new ArrayList<>();
  private final Map<String, Long> addresses = new HashMap<>();
  private Long launchSizedAddress;

  public ArrayLayout(Entry entry) {
    for (Variable variable : entry.variables()) {
      addresses.put(variable.name(), place(variable));
    }
  }

  private long place(Variable variable) {
    if (!variable.isSizedByLaunch()) {
      return append(variable);
    }
    if (launchSizedAddress == null) {
      launchSizedAddress = append(variable);
    }
    return launchSizedAddress; // all extern shared arrays are names of the same memory
  }

  private long append(Variable variable) {
    List<Variable> arrays = variable.space() == Variable.Space.SHARED ? shared : local;
    arrays.add(variable);
    return AddressMap.arrayAddress(arrays.size() - 1);
  }

  /** The address that a variable's name stands for in PTX. */
  public Optional<Long> addressOf(String variable) {
    return Optional.ofNullable(addresses.get(variable));
  }

  ArraySpace newSharedSpace(int launchBytes) {
    ArraySpace space = new ArraySpace("shared");
    for (Variable variable : shared) {
      space.add(variable.sourceName(), variable.isSizedByLaunch() ? launchBytes : variable.bytes());
    }
    return space;
  }

  ArraySpace newLocalSpace() {
    ArraySpace space = new ArraySpace("local");
    for (Variable variable : local) {
      space.add(variable.sourceName(), variable.bytes());
    }
    return space;
  }
}
