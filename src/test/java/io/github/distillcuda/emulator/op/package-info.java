/**
 * What each PTX instruction does. {@link io.github.distillcuda.emulator.op.OpTable} lists every
 * mnemonic that the emulator knows; a class a family defines them, most in one line each. Imports
 * {@code machine}, {@code memory}, {@code ptx}, {@code fault} and the JDK.
 */
package io.github.distillcuda.emulator.op;
