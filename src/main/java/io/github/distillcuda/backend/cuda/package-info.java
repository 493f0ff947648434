/**
 * The GPU through CUDA: the operations of a step in terms of {@code cuda}'s plans and kernels,
 * captured into graphs. May import {@code backend}, {@code tensor}, {@code cuda}, {@code failure}.
 */
package io.github.distillcuda.backend.cuda;
