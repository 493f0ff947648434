/**
 * The distillation loss on plain arrays and the teacher's logits cache. May import {@code nn} and
 * what lies below it.
 */
package io.github.distillcuda.distill;
