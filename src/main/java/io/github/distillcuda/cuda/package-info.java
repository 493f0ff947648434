/**
 * What a program owns on an NVIDIA GPU: context, streams, events, memory, modules, kernels, graphs.
 * Handles are closed once, by the thread that opened them, in reverse order; nothing is freed
 * behind the program's back. May import {@code ffi} and {@code failure}.
 */
package io.github.distillcuda.cuda;
