package io.github.distillcuda.data;

import io.github.distillcuda.tensor.SplitMix64;

/**
 * Draws the pictures of the synthetic set. The class of a picture is its pattern, as of cloth or
 * tiles. Everything else is nuisance: size, turn, stretch and weight of the pattern, its two
 * colours, which only lean towards a hue of the class, a patch and a bar in front of it, light and
 * noise. A picture is a function of (seed, index, label) alone; an instance holds scratch space and
 * serves one thread.
 *
 * <p>Only additions, multiplications, square roots and {@link StrictMath} are used, which give the
 * same bits on every JVM.
 */
final class SyntheticPicture {
  /** Class names by label; the order of {@link #inked}. */
  static final String[] PATTERNS = {
    "stripes",
    "checks",
    "dots",
    "rings",
    "bricks",
    "zigzag",
    "grid",
    "triangles",
    "waves",
    "crosses"
  };

  private static final int SIDE = 32;
  private static final int PIXELS = SIDE * SIDE;
  private static final float MIDDLE = (SIDE - 1) / 2f;

  /** Keeps the streams of pictures apart from those of {@link EpochOrder}. */
  private static final long PICTURE_STREAM = 0x5049_4354_5552_4553L;

  private static final int PAPER = 0;
  private static final int INK = 1;
  private static final int PATCH = 2;
  private static final int BAR = 3;

  /** Which of the four colours each pixel has. */
  private final byte[] colourOf = new byte[PIXELS];

  /** Red, green and blue of each colour, from about 0 to 1. */
  private final float[][] colours = new float[4][3];

  /** The four colours in the channel that is being developed, in 1/256 of a byte's step. */
  private final int[] level = new int[4];

  /**
   * Draws picture {@code index} of the set of {@code seed}: 3 x 32 x 32 bytes from {@code offset}.
   */
  void draw(long seed, long index, int label, byte[] images, int offset) {
    SplitMix64 random = SplitMix64.of(seed, PICTURE_STREAM + index);
    chooseColours(random, label);
    drawPattern(random, label);
    drawPatch(random);
    drawBar(random);
    develop(random, images, offset);
  }

  /** The paper leans to the hue of the class; without that hint training lingers at a guess. */
  private void chooseColours(SplitMix64 random, int label) {
    for (float[] colour : colours) {
      for (int channel = 0; channel < 3; channel++) {
        colour[channel] = random.nextFloat();
      }
    }
    float lean = random.between(0, 0.6f);
    float contrast = random.between(0.4f, 1);
    for (int channel = 0; channel < 3; channel++) {
      double hue = 2 * Math.PI * (label / 10.0 + channel / 3.0);
      float own = 0.5f + 0.5f * (float) StrictMath.cos(hue);
      float paper = colours[PAPER][channel];
      paper += lean * (own - paper);
      colours[PAPER][channel] = paper;
      colours[INK][channel] = paper + contrast * (2 * colours[INK][channel] - 1);
    }
  }

  /** Lays the pattern, turned and stretched, over all of the picture. */
  private void drawPattern(SplitMix64 random, int pattern) {
    double turn = random.between((float) (-Math.PI / 2), (float) (Math.PI / 2));
    float stretch = random.between(0.8f, 1.25f);
    float period = random.between(5, 12);
    float weight = random.between(0.75f, 1.3f);
    // far enough from 0 that no corner, at most 5.5 tiles away, is negative, where (int) rounds up
    float firstU = random.between(8, 10);
    float firstV = random.between(8, 10);
    float cos = (float) StrictMath.cos(turn) / period;
    float sin = (float) StrictMath.sin(turn) / period;
    for (int pixel = 0; pixel < PIXELS; pixel++) {
      float x = pixel % SIDE - MIDDLE;
      float y = pixel / SIDE - MIDDLE;
      float u = firstU + (cos * x + sin * y) * stretch;
      float v = firstV + (cos * y - sin * x) / stretch;
      colourOf[pixel] = (byte) (inked(pattern, u, v, weight) ? INK : PAPER);
    }
  }

  /**
   * Whether a pattern of tiles of side 1 has ink at (u, v), both positive; more of it at a greater
   * weight.
   */
  private static boolean inked(int pattern, float u, float v, float weight) {
    float a = fraction(u);
    float b = fraction(v);
    float fromMiddleA = Math.abs(a - 0.5f);
    float fromMiddleB = Math.abs(b - 0.5f);
    return switch (pattern) {
      case 0 -> a < 0.45f * weight;
      case 1 -> a < 0.5f ^ b < 0.5f;
      case 2 -> fromMiddleA * fromMiddleA + fromMiddleB * fromMiddleB < 0.1f * weight;
      case 3 -> fraction((float) Math.sqrt((u - 9) * (u - 9) + (v - 9) * (v - 9))) < 0.45f * weight;
      case 4 -> b < 0.2f * weight || fraction(0.5f * u + 0.25f * ((int) v & 1)) < 0.1f * weight;
      case 5 -> fraction(v + fromMiddleA) < 0.45f * weight;
      case 6 -> a < 0.25f * weight || b < 0.25f * weight;
      case 7 -> a + b < 0.85f * weight;
      case 8 -> fraction(v + 2 * fromMiddleA * fromMiddleA) < 0.45f * weight;
      default ->
          Math.min(fromMiddleA, fromMiddleB) < 0.11f * weight
              && Math.max(fromMiddleA, fromMiddleB) < 0.4f;
    };
  }

  private static float fraction(float x) {
    return x - (int) x;
  }

  /** Hides a disc of the pattern. */
  private void drawPatch(SplitMix64 random) {
    float centerX = random.between(0, SIDE);
    float centerY = random.between(0, SIDE);
    float radius = random.between(3, 9);
    for (int pixel = 0; pixel < PIXELS; pixel++) {
      float dx = pixel % SIDE - centerX;
      float dy = pixel / SIDE - centerY;
      if (dx * dx + dy * dy < radius * radius) {
        colourOf[pixel] = PATCH;
      }
    }
  }

  /** Lays a straight bar across. */
  private void drawBar(SplitMix64 random) {
    double angle = random.between(0, (float) Math.PI);
    float cos = (float) StrictMath.cos(angle);
    float sin = (float) StrictMath.sin(angle);
    float distance = random.between(-9, 9);
    float halfWidth = random.between(0.7f, 2);
    for (int pixel = 0; pixel < PIXELS; pixel++) {
      float x = pixel % SIDE - MIDDLE;
      float y = pixel / SIDE - MIDDLE;
      if (Math.abs(cos * x + sin * y - distance) < halfWidth) {
        colourOf[pixel] = BAR;
      }
    }
  }

  /** Turns colours into bytes under some light, with noise, eight bytes from each draw. */
  private void develop(SplitMix64 random, byte[] images, int offset) {
    float contrast = random.between(110, 200);
    float light = 128 - contrast / 2 + random.between(-25, 25);
    int grain = (int) random.between(13, 64); // noise of up to 6 to 32 steps either way
    for (int channel = 0; channel < 3; channel++) {
      for (int colour = 0; colour < 4; colour++) {
        float clean = light + contrast * colours[colour][channel];
        level[colour] = (int) (256 * clean) - 127 * grain;
      }
      for (int pixel = 0; pixel < PIXELS; pixel += 8) {
        long noise = random.nextLong();
        for (int i = pixel; i < pixel + 8; i++, noise >>>= 8) {
          int value = level[colourOf[i]] + grain * (int) (noise & 255) >> 8;
          images[offset + channel * PIXELS + i] = (byte) Math.clamp(value, 0, 255);
        }
      }
    }
  }
}
