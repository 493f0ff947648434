package io.github.distillcuda.train;

import io.github.distillcuda.nn.Network;
import io.github.distillcuda.tensor.NamedArray;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model and its optimizer had when a NaN or an infinity was met. Where a step met it, that
 * step wrote nothing: parameters and moments are those that it began with.
 *
 * @param role the model
 * @param step the optimizer's step, from 1
 * @param epoch the epoch, from 1
 * @param images the ids of the step's images, in its order; empty where it was met after the step
 * @param tensor the first tensor that is not finite, in the order in which a step computes
 * @param arrays {@link #arrays(Network)}, {@code logits}, and {@code teacher_logits} where the loss
 *     reads them; the former alone where it was met after the step
 */
record NonFiniteState(
    ModelRole role, long step, int epoch, int[] images, String tensor, List<NamedArray> arrays) {

  /**
   * Returns copies of what a network in training consists of: {@code parameters/NAME}, {@code
   * gradients/NAME}, {@code first_moments/NAME} and {@code second_moments/NAME} for each name of
   * the state dict.
   */
  static List<NamedArray> arrays(Network network) {
    List<NamedArray> arrays = new ArrayList<>();
    addAll(arrays, "parameters", network.save());
    addAll(arrays, "gradients", network.saveGradients());
    addAll(arrays, "first_moments", network.saveFirstMoments());
    addAll(arrays, "second_moments", network.saveSecondMoments());
    return arrays;
  }

  private static void addAll(List<NamedArray> arrays, String group, List<NamedArray> added) {
    for (NamedArray array : added) {
      arrays.add(new NamedArray(group + "/" + array.name(), array.shape(), array.values()));
    }
  }

  /** Returns whether none of the numbers is NaN or infinite. */
  static boolean isFinite(float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        return false;
      }
    }
    return true;
  }

  /** Returns what was met, where and when, in one clause. */
  String place() {
    String what = "%s: NaN or infinity in %s".formatted(role, tensor);
    return images.length == 0
        ? "%s after step %d (epoch %d); it was not saved".formatted(what, step, epoch)
        : "%s at step %d (epoch %d, images %s); no parameter was written since"
            .formatted(what, step, epoch, Arrays.toString(images));
  }

  /** Returns all but the arrays, as a file's header has it. */
  Map<String, String> description() {
    Map<String, String> description = new LinkedHashMap<>();
    description.put("model", role.toString());
    description.put("step", Long.toString(step));
    description.put("epoch", Integer.toString(epoch));
    description.put("images", Arrays.toString(images));
    description.put("first_not_finite", tensor);
    return description;
  }
}
