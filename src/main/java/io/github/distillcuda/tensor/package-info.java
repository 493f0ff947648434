/** Backend-neutral values: shapes, element types and tensors. Imports nothing of the project. */
package io.github.distillcuda.tensor;
