/** Who runs the program, as far as files go; depends on nothing. */
package io.github.distillcuda.user;
