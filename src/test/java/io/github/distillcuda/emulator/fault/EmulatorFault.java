package io.github.distillcuda.emulator.fault;

import java.util.Optional;

/**
 * A kernel, or the host, broke a rule. It is thrown without a site by the layer that notices, which
 * knows memory but not threads; the running warp adds where it was.
 */
public final class EmulatorFault extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int HOST = -1;

  private final FaultKind kind;
  private final int lane;
  private final String detail;
  private final transient FaultSite site;

  private EmulatorFault(FaultKind kind, int lane, String detail, FaultSite site) {
    super(kind + (site == null ? "" : " " + site) + ": " + detail);
    this.kind = kind;
    this.lane = lane;
    this.detail = detail;
    this.site = site;
  }

  /** A fault of the lane that is being executed. */
  public static EmulatorFault ofLane(FaultKind kind, int lane, String detail) {
    return new EmulatorFault(kind, lane, detail, null);
  }

  /** A fault of the program that uses the emulator, outside any kernel. */
  public static EmulatorFault ofHost(FaultKind kind, String detail) {
    return new EmulatorFault(kind, HOST, detail, null);
  }

  /** The same fault, with where it happened. */
  public EmulatorFault at(FaultSite where) {
    EmulatorFault located = new EmulatorFault(kind, lane, detail, where);
    located.setStackTrace(getStackTrace());
    return located;
  }

  public FaultKind kind() {
    return kind;
  }

  /** The lane within its warp; -1 for the host. */
  public int lane() {
    return lane;
  }

  /** What exactly was wrong: address, allocation and offset for an access. */
  public String detail() {
    return detail;
  }

  /** Where it happened; empty for the host. */
  public Optional<FaultSite> site() {
    return Optional.ofNullable(site);
  }
}
