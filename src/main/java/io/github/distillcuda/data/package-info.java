/**
 * Readers of CIFAR-10, its download, the synthetic set, and the order of an epoch. May import
 * {@code tensor} and {@code failure}.
 */
package io.github.distillcuda.data;
