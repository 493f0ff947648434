/**
 * Native libraries as C names with checked result codes, and nothing else: no plan, no ownership,
 * no policy. The only package that links native code, so the only one that may suppress the {@code
 * restricted} warning, and the only one that touches JCuda. May import {@code failure}.
 */
package io.github.distillcuda.ffi;
