package io.github.distillcuda.data;

/** What {@code --data} asks for. */
public enum DataChoice {
  /** CIFAR-10; the synthetic set where it can be neither found nor downloaded. */
  AUTO,
  /** CIFAR-10 or an error. */
  CIFAR10,
  /** The synthetic set. */
  SYNTHETIC
}
