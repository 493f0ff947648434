package io.github.distillcuda.gpu;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Marks tests that need an NVIDIA GPU: skipped, with the reason, unless one was promised. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("gpu")
@EnabledIfSystemProperty(
    named = "distill.gpu",
    matches = "true",
    disabledReason = "needs an NVIDIA GPU: run with -Pgpu where there is one")
public @interface OnGpu {}
