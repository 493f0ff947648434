package io.github.distillcuda.gpu;

import io.github.distillcuda.cuda.CudaDevice;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLibraries;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.Optional;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * Marks tests {@link OnGpu} of what not every GPU can: skipped on one that is older, and the reason
 * is printed.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(NeedsComputeCapability.Condition.class)
public @interface NeedsComputeCapability {
  /** Returns the least compute capability, such as 80 for 8.0. */
  int value();

  /** Asks the driver of this machine. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      Optional<NeedsComputeCapability> marked =
          AnnotationSupport.findAnnotation(context.getElement(), NeedsComputeCapability.class);
      if (marked.isEmpty()) {
        // A method of a class that is marked: it would not be asked for if that were left out.
        return ConditionEvaluationResult.enabled("the class has what it needs");
      }
      ConditionEvaluationResult result = of(marked.get().value(), new CudaLibraries().driver());
      if (result.isDisabled()) {
        System.out.printf(
            "not on this GPU: %s %s%n",
            context.getRequiredTestClass().getSimpleName(), result.getReason().orElseThrow());
      }
      return result;
    }

    static ConditionEvaluationResult of(int needed, CudaDriverApi driver) {
      CudaDevice device = CudaDevice.of(driver, 0);
      String reason =
          "needs compute capability %d.%d, %s has %d.%d"
              .formatted(
                  needed / 10,
                  needed % 10,
                  device.name(),
                  device.computeCapability() / 10,
                  device.computeCapability() % 10);
      return device.computeCapability() < needed
          ? ConditionEvaluationResult.disabled(reason)
          : ConditionEvaluationResult.enabled(reason);
    }
  }
}
