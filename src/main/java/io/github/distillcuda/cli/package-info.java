/**
 * The command line: arguments, the wiring of everything below, exit codes, and the only printing.
 * May import every other package.
 */
package io.github.distillcuda.cli;
