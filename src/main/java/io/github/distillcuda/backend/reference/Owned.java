package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.Lifetime;

/** Something that a backend created and that ends with it. */
abstract class Owned {
  private final Lifetime lifetime;

  Owned(Lifetime lifetime) {
    this.lifetime = lifetime;
  }

  final Lifetime lifetime() {
    return lifetime;
  }

  /**
   * Returns {@code object} as this backend's own implementation of it.
   *
   * @throws IllegalArgumentException if another backend created it, or nobody (null)
   */
  final <T extends Owned> T own(Class<T> type, Object object, String what) {
    if (!type.isInstance(object) || type.cast(object).lifetime() != lifetime) {
      throw new IllegalArgumentException(what + " was not created by this reference backend");
    }
    return type.cast(object);
  }
}
