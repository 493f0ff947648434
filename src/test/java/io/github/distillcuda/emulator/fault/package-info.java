/**
 * What the emulator reports when a kernel does something that it must not. Imports the JDK only.
 */
package io.github.distillcuda.emulator.fault;
