package io.github.distillcuda.data;

import java.util.Locale;

/** What {@code --data} asks for. */
public enum DataChoice {
  /** CIFAR-10; the synthetic set where it can be neither found nor downloaded. */
  AUTO,
  /** CIFAR-10 or an error. */
  CIFAR10,
  /** The synthetic set. */
  SYNTHETIC;

  /** Returns the name that users give it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
