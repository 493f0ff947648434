package io.github.distillcuda.cli;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.ToIntFunction;

/** The names that were perhaps meant by one that there is not. */
final class NearestNames {
  private static final int FAR = Integer.MAX_VALUE;

  private NearestNames() {}

  /**
   * Returns the names of options or commands that differ from what was typed by little; if none
   * does, those that begin so ({@code --temp}), and commands that what was typed begins with
   * ({@code evaluate}). All that are equally near, none if none is; the case of letters is no
   * difference.
   */
  static List<String> of(String typed, Collection<String> names) {
    List<String> whole = nearest(names, name -> near(typed, distances(typed, name)[name.length()]));
    return whole.isEmpty() ? nearest(names, name -> beginning(typed, name)) : whole;
  }

  private static List<String> nearest(Collection<String> names, ToIntFunction<String> distance) {
    int least = names.stream().mapToInt(distance).min().orElse(FAR);
    return names.stream()
        .filter(name -> least < FAR && distance.applyAsInt(name) == least)
        .toList();
  }

  private static int beginning(String typed, String name) {
    int begun = beginningOf(name, typed);
    return typed.startsWith("-") ? begun : Math.min(begun, beginningOf(typed, name));
  }

  private static int beginningOf(String name, String word) {
    return allowedErrors(word) == 0
        ? FAR
        : near(word, Arrays.stream(distances(word, name)).min().orElse(FAR));
  }

  private static int near(String word, int distance) {
    return distance <= allowedErrors(word) ? distance : FAR;
  }

  /** Returns how many errors of typing a word may have: one for three letters, two for six. */
  private static int allowedErrors(String word) {
    return (int) Math.min(2, word.chars().filter(Character::isLetterOrDigit).count() / 3);
  }

  /**
   * Returns the distance of Damerau and Levenshtein from a word to each beginning of a name, by the
   * length of that: letters left out, put in, changed, or swapped with their neighbour.
   */
  private static int[] distances(String word, String name) {
    String from = word.toLowerCase(Locale.ROOT);
    String to = name.toLowerCase(Locale.ROOT);
    int[][] d = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int changed = from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(d[i - 1][j - 1] + changed, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
        boolean swapped =
            i > 1
                && j > 1
                && from.charAt(i - 1) == to.charAt(j - 2)
                && from.charAt(i - 2) == to.charAt(j - 1);
        if (swapped) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[from.length()];
  }
}
