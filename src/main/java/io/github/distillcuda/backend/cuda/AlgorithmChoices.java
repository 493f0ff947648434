package io.github.distillcuda.backend.cuda;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Which algorithms of the libraries are used, as text, by layer, direction and batch. What was
 * chosen of cuDNN once, in this session or in the one that it continues, is to be used again, so
 * that equal layers compute with the same bits.
 */
final class AlgorithmChoices {
  private final Map<String, String> chosen = new TreeMap<>();
  private Map<String, String> earlier = Map.of();
  private Consumer<String> note = line -> {};

  /**
   * Continues an earlier session.
   *
   * @param algorithms what {@link #all} returned there
   * @param note receives a line where another one is chosen now
   */
  void reuse(Map<String, String> algorithms, Consumer<String> note) {
    earlier = new TreeMap<>(algorithms);
    this.note = note;
  }

  /** Returns the algorithm to use if possible; empty if none was chosen yet. */
  Optional<String> known(String what) {
    return Optional.ofNullable(chosen.getOrDefault(what, earlier.get(what)));
  }

  /** Notes what is used. */
  void chose(String what, String algorithm) {
    String began = earlier.getOrDefault(what, algorithm);
    if (chosen.put(what, algorithm) == null && !algorithm.equals(began)) {
      note.accept(
          "%s: %s in place of %s, which the run began with; its bits may differ from an"
                  .formatted(what, algorithm, began)
              + " uninterrupted run's");
    }
  }

  /** Returns all of the earlier session and this, sorted. */
  Map<String, String> all() {
    Map<String, String> all = new TreeMap<>(earlier);
    all.putAll(chosen);
    return all;
  }
}
