/**
 * The one exception family of the program and what makes text fit for its messages; every layer may
 * use it, it depends on nothing.
 */
package io.github.distillcuda.failure;
