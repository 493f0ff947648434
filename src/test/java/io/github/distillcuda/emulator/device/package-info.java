/**
 * A GPU that is not there, behind the interface of its driver: memory with every access checked,
 * streams, events, recordings with the rules that the driver has, and the shipped kernels on the
 * interpreter. Any one call can be made to fail. {@code native-notes/emulated-device.md} lists the
 * rules. Imports the interpreter, {@code ffi} and the JDK.
 */
package io.github.distillcuda.emulator.device;
