/**
 * The command: arguments, wiring, exit codes, and the only printing. May import everything but the
 * implementation packages of backends.
 */
package io.github.distillcuda.cli;
