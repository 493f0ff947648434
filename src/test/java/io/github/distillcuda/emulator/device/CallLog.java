package io.github.distillcuda.emulator.device;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Every call to every library of one device, in order; one of them can be chosen to fail. */
final class CallLog {
  /** A call that was made. */
  record Call(String function, Object[] arguments) {
    @Override
    public String toString() {
      return Arrays.stream(arguments)
          .map(Call::show)
          .collect(Collectors.joining(", ", function + "(", ")"));
    }

    private static String show(Object argument) {
      return switch (argument) {
        case Long value -> "0x%x".formatted(value);
        case MemorySegment segment -> segment.byteSize() + " bytes";
        case int[] values -> Arrays.toString(values);
        case long[] values -> Arrays.toString(values);
        default -> String.valueOf(argument);
      };
    }
  }

  private final List<Call> calls = new ArrayList<>();
  private int failingCall = -1;
  private String failingFunction;

  /** Lets the call of this number, from 0, fail. */
  void failCall(int number) {
    failingCall = number;
  }

  /** Lets the next call of a function fail. */
  void failNext(String function) {
    failingFunction = function;
  }

  /** Notes a call and returns whether it is the one that fails. */
  boolean add(String function, Object... arguments) {
    calls.add(new Call(function, arguments));
    boolean named = function.equals(failingFunction);
    if (named) {
      failingFunction = null;
    }
    return named || calls.size() - 1 == failingCall;
  }

  /** Returns the last call. */
  Call last() {
    return calls.getLast();
  }

  /** Returns all calls. */
  List<Call> all() {
    return calls;
  }
}
