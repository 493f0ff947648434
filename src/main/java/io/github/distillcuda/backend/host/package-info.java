/**
 * What a step on the host does beside its linear algebra, in plain Java over heap arrays: the
 * distillation loss, Adam, normalisation of images, the check for NaN and infinity, and the state
 * of a training. Backends that compute on the host share it. May import {@code backend} and what
 * lies below it; no native memory here.
 */
package io.github.distillcuda.backend.host;
