/** The one exception family of the program; every layer may throw it, it depends on nothing. */
package io.github.distillcuda.failure;
