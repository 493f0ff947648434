package io.github.distillcuda.data;

import io.github.distillcuda.failure.Printable;

/** Why a server did not deliver, and whether trying it again may help. */
final class MirrorFailure extends Exception {
  private static final long serialVersionUID = 1L;

  private final boolean transientFault;

  private MirrorFailure(String reason, boolean transientFault) {
    super(Printable.line(reason));
    this.transientFault = transientFault;
  }

  /** The server will not do better: on to the next one. */
  static MirrorFailure lasting(String reason) {
    return new MirrorFailure(reason, false);
  }

  /** A broken connection or a busy server: try again, from where it stopped. */
  static MirrorFailure passing(String reason) {
    return new MirrorFailure(reason, true);
  }

  boolean mayPass() {
    return transientFault;
  }
}
