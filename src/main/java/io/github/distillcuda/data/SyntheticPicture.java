package io.github.distillcuda.data;

/**
 * Draws the pictures of the synthetic set. The class of a picture is the figure drawn largest;
 * everything else about it is nuisance: place, size, rotation, stretch, filled or outline, colours,
 * stripes, a background of soft clouds, small figures of other classes, a bar across, light and
 * noise. A picture is a function of (seed, index) alone; an instance holds scratch space and serves
 * one thread.
 *
 * <p>Only additions, multiplications, square roots and {@link StrictMath} are used, which give the
 * same bits on every JVM.
 */
final class SyntheticPicture {
  /** Class names by label; the order of {@link #inside}. */
  static final String[] FIGURES = {
    "disc", "ring", "square", "triangle", "star", "cross", "crescent", "heart", "arrow", "bolt"
  };

  private static final int SIDE = 32;
  private static final int PLANE = SIDE * SIDE;

  /** Keeps the streams of pictures apart from those of {@link EpochOrder}. */
  private static final long PICTURE_STREAM = 0x5049_4354_5552_4553L;

  private final float[] canvas = new float[3 * PLANE];
  private final float[] paper = new float[3];
  private final float[] cloud = new float[36];

  /**
   * Draws picture {@code index} of the set of {@code seed}, 3 x 32 x 32 bytes from {@code offset}.
   */
  void draw(long seed, long index, int label, byte[] images, int offset) {
    SplitMix64 random = SplitMix64.of(seed, PICTURE_STREAM + index);
    drawClouds(random);
    float radius = random.between(7f, 12f);
    int clutter = 1 + random.nextInt(3);
    for (int i = 0; i < clutter; i++) {
      drawFigure(random, random.nextInt(FIGURES.length), radius * random.between(0.25f, 0.5f), 16);
    }
    drawFigure(random, label, radius, 4);
    if (random.nextInt(2) == 0) {
      drawBar(random);
    }
    develop(random, images, offset);
  }

  /** Fills the canvas with a colour per channel plus a 6 x 6 lattice of noise, interpolated. */
  private void drawClouds(SplitMix64 random) {
    for (int channel = 0; channel < 3; channel++) {
      float base = random.nextFloat();
      paper[channel] = base;
      float strength = random.between(0.1f, 0.5f);
      for (int i = 0; i < cloud.length; i++) {
        cloud[i] = base + strength * (random.nextFloat() - 0.5f);
      }
      for (int y = 0; y < SIDE; y++) {
        float latticeY = y * (5f / SIDE);
        int row = (int) latticeY;
        float down = latticeY - row;
        for (int x = 0; x < SIDE; x++) {
          float latticeX = x * (5f / SIDE);
          int at = 6 * row + (int) latticeX;
          float right = latticeX - (int) latticeX;
          float top = cloud[at] + right * (cloud[at + 1] - cloud[at]);
          float bottom = cloud[at + 6] + right * (cloud[at + 7] - cloud[at + 6]);
          canvas[channel * PLANE + y * SIDE + x] = top + down * (bottom - top);
        }
      }
    }
  }

  /** Draws a figure whose centre lies within {@code wander} of the picture's. */
  private void drawFigure(SplitMix64 random, int figure, float radius, float wander) {
    float centerX = 15.5f + random.between(-wander, wander);
    float centerY = 15.5f + random.between(-wander, wander);
    double angle = random.between(-0.7f, 0.7f);
    float stretch = random.between(0.8f, 1.25f);
    float cos = (float) StrictMath.cos(angle) / radius;
    float sin = (float) StrictMath.sin(angle) / radius;
    boolean outline = random.nextInt(3) == 0;
    float hole = 1 + 2.5f / radius;
    float[] ink = ink(random);
    float[] stripe = ink(random);
    boolean striped = random.nextInt(2) == 0;
    float stripeAcross = random.between(-1f, 1f);
    float stripeDown = random.between(-1f, 1f);
    float reach = radius * 1.4f;
    int left = Math.max(0, (int) (centerX - reach));
    int right = Math.min(SIDE - 1, (int) (centerX + reach) + 1);
    int bottom = Math.min(SIDE - 1, (int) (centerY + reach) + 1);
    for (int y = Math.max(0, (int) (centerY - reach)); y <= bottom; y++) {
      for (int x = left; x <= right; x++) {
        float dx = x - centerX;
        float dy = y - centerY;
        float u = (cos * dx + sin * dy) * stretch;
        float v = (cos * dy - sin * dx) / stretch;
        if (!inside(figure, u, v) || (outline && inside(figure, u * hole, v * hole))) {
          continue;
        }
        float phase = stripeAcross * dx + stripeDown * dy;
        float[] colour = striped && ((int) (phase + 64) & 1) == 0 ? stripe : ink;
        int at = y * SIDE + x;
        canvas[at] = colour[0];
        canvas[PLANE + at] = colour[1];
        canvas[2 * PLANE + at] = colour[2];
      }
    }
  }

  private float[] ink(SplitMix64 random) {
    float[] ink = new float[3];
    for (int channel = 0; channel < 3; channel++) {
      float away = paper[channel] + random.between(0.2f, 0.8f);
      ink[channel] = away < 1 ? away : away - 1;
    }
    return ink;
  }

  /** Draws a straight bar of one colour across the picture. */
  private void drawBar(SplitMix64 random) {
    double angle = random.nextFloat() * Math.PI;
    float cos = (float) StrictMath.cos(angle);
    float sin = (float) StrictMath.sin(angle);
    float distance = random.between(-9, 9);
    float halfWidth = random.between(0.7f, 2f);
    float[] ink = ink(random);
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        if (Math.abs(cos * (x - 15.5f) + sin * (y - 15.5f) - distance) < halfWidth) {
          for (int channel = 0; channel < 3; channel++) {
            canvas[channel * PLANE + y * SIDE + x] = ink[channel];
          }
        }
      }
    }
  }

  /** Turns the canvas into bytes: contrast, light and noise. */
  private void develop(SplitMix64 random, byte[] images, int offset) {
    float contrast = random.between(110f, 230f);
    float light = 128 - contrast / 2 + random.between(-25f, 25f);
    float grain = random.between(0.02f, 0.1f);
    for (int i = 0; i < canvas.length; i += 8) {
      long noise = random.nextLong();
      for (int k = i; k < i + 8; k++, noise >>>= 8) {
        float value = light + contrast * canvas[k] + grain * ((noise & 255) - 127.5f);
        images[offset + k] = (byte) Math.max(0, Math.min(255, (int) value));
      }
    }
  }

  /** Whether (u, v) lies in a figure of radius about 1 around the origin. */
  private static boolean inside(int figure, float u, float v) {
    float r2 = u * u + v * v;
    return switch (figure) {
      case 0 -> r2 < 0.8f;
      case 1 -> r2 < 0.95f && r2 > 0.3f;
      case 2 -> Math.max(Math.abs(u), Math.abs(v)) < 0.78f;
      case 3 -> v > -0.5f && v < 1 - 1.73f * Math.abs(u);
      case 4 -> pentagram(u, v);
      case 5 -> Math.min(Math.abs(u), Math.abs(v)) < 0.3f && Math.max(Math.abs(u), Math.abs(v)) < 1;
      case 6 -> r2 < 1 && (u - 0.5f) * (u - 0.5f) + v * v > 0.5f;
      case 7 -> heart(1.15f * u, 1.15f * v);
      case 8 -> Math.abs(u) < 0.22f && Math.abs(v) < 0.95f || v > 0.1f && v < 0.95f - Math.abs(u);
      default -> Math.abs(v) < 0.95f && Math.abs(u - (v > 0 ? 0.3f : -0.3f) + 0.6f * v) < 0.28f;
    };
  }

  /** Five half planes; the star is where at least four of them hold. */
  private static boolean pentagram(float u, float v) {
    final float depth = 0.33f;
    int held = 0;
    held += v < depth ? 1 : 0;
    held += 0.95106f * u + 0.30902f * v < depth ? 1 : 0;
    held += 0.58779f * u - 0.80902f * v < depth ? 1 : 0;
    held += -0.58779f * u - 0.80902f * v < depth ? 1 : 0;
    held += -0.95106f * u + 0.30902f * v < depth ? 1 : 0;
    return held >= 4;
  }

  private static boolean heart(float u, float v) {
    float w = u * u + v * v - 0.75f;
    return w * w * w < u * u * v * v * v;
  }
}
