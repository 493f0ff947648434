/**
 * Tests that run on a real GPU: with {@code mvn -Pgpu} they run and fail where there is none,
 * without it they are skipped.
 */
package io.github.distillcuda.gpu;
