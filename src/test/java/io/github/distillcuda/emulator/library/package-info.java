/**
 * cuDNN, cuBLAS and cublasLt on the emulated device: what the program uses of them, in plain Java.
 * What is used and not emulated fails by name; {@code native-notes/emulated-device.md} lists the
 * rules with their sources. Imports the device, {@code ffi} and the JDK.
 */
package io.github.distillcuda.emulator.library;
