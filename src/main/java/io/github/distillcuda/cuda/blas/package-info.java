/**
 * Products of matrices by cuBLAS and cublasLt for one shape. Part of the layer {@code cuda}. Here
 * alone matrices turn from row-major into the libraries' column-major ones: a row-major [N, C] is a
 * column-major [C, N] with leading dimension C.
 */
package io.github.distillcuda.cuda.blas;
