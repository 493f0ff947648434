/**
 * The oracle and the last fallback: every operation as plain Java loops in float64, written to be
 * read and never optimised. May import {@code backend} and {@code tensor}.
 */
package io.github.distillcuda.backend.reference;
