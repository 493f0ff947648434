/**
 * Architectures as lists of layers, their initial weights, and forward and backward passes recorded
 * layer by layer. May import {@code backend}, {@code tensor} and {@code failure}.
 */
package io.github.distillcuda.nn;
