/**
 * Backend-neutral values: shapes, element types and tensors, and the numbers that a seed draws for
 * them. Imports nothing of the project.
 */
package io.github.distillcuda.tensor;
