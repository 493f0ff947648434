/**
 * Training one model, evaluating it, and the whole run of teacher, baseline and student with its
 * folder, metrics and checkpoints. May import {@code distill}, {@code data}, {@code checkpoint} and
 * what lies below them; prints nothing, listeners do.
 */
package io.github.distillcuda.train;
