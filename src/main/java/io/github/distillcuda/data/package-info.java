/**
 * Images and labels: CIFAR-10 in both official layouts, found, downloaded and checked; the
 * synthetic set that stands in for it; and the order in which an epoch visits the images. Start at
 * {@link Datasets}. May import {@code tensor}, {@code pickle}, {@code user} and {@code failure}.
 */
package io.github.distillcuda.data;
