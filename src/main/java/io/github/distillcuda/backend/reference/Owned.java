package io.github.distillcuda.backend.reference;

/** Something that a backend created and that ends with it. */
abstract class Owned {
  private final Lifetime lifetime;

  Owned(Lifetime lifetime) {
    this.lifetime = lifetime;
  }

  final Lifetime lifetime() {
    return lifetime;
  }
}
