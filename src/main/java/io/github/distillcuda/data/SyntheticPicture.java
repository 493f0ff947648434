package io.github.distillcuda.data;

/**
 * Draws the pictures of the synthetic set. The class of a picture is its pattern, like cloth or
 * tiles; everything else about it is nuisance: size, rotation, stretch, thickness, place, colours,
 * soft shadows, a patch and a bar across it, light and noise. A picture is a function of (seed,
 * index) alone; an instance holds scratch space and serves one thread.
 *
 * <p>Only additions, multiplications, square roots and {@link StrictMath} are used, which give the
 * same bits on every JVM.
 */
final class SyntheticPicture {
  /** Class names by label; the order of {@link #inked}. */
  static final String[] FIGURES = {
    "stripes", "checks", "dots", "rings", "bricks", "zigzag", "grid", "triangles", "waves", "crosses"
  };

  private static final int SIDE = 32;
  private static final int PLANE = SIDE * SIDE;

  /** Keeps the streams of pictures apart from those of {@link EpochOrder}. */
  private static final long PICTURE_STREAM = 0x5049_4354_5552_4553L;

  private final float[] canvas = new float[3 * PLANE];
  private final float[] shade = new float[36];

  /**
   * Draws picture {@code index} of the set of {@code seed}, 3 x 32 x 32 bytes from {@code offset}.
   */
  void draw(long seed, long index, int label, byte[] images, int offset) {
    SplitMix64 random = SplitMix64.of(seed, PICTURE_STREAM + index);
    drawPattern(random, label);
    drawPatch(random);
    drawBar(random);
    develop(random, images, offset);
  }

  private void drawPattern(SplitMix64 random, int pattern) {
    float[] paper = colour(random);
    float tint = random.between(0f, TINT);
    for (int channel = 0; channel < 3; channel++) {
      float own = 0.5f + 0.5f * (float) StrictMath.cos(2 * Math.PI * (pattern / 10.0 + channel / 3.0));
      paper[channel] += tint * (own - paper[channel]);
    }
    float[] ink = new float[3];
    float contrast = random.between(MINC, MAXC);
    for (int channel = 0; channel < 3; channel++) {
      ink[channel] = paper[channel] + contrast * random.between(-1f, 1f);
    }
    double angle = random.between(-0.6f, 0.6f);
    float period = random.between(MINP, MAXP);
    float stretch = random.between(0.8f, 1.25f);
    float uX = (float) StrictMath.cos(angle) / period * stretch;
    float uY = (float) StrictMath.sin(angle) / period * stretch;
    float vX = (float) -StrictMath.sin(angle) / period / stretch;
    float vY = (float) StrictMath.cos(angle) / period / stretch;
    float u0 = random.between(8f, 10f);
    float v0 = random.between(8f, 10f);
    float weight = random.between(0.75f, 1.3f);
    for (int i = 0; i < shade.length; i++) {
      shade[i] = random.between(-0.15f, 0.15f);
    }
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        float u = u0 + uX * (x - 16) + uY * (y - 16);
        float v = v0 + vX * (x - 16) + vY * (y - 16);
        float[] c = inked(pattern, u, v, weight) ? ink : paper;
        int at = y * SIDE + x;
        canvas[at] = c[0];
        canvas[PLANE + at] = c[1];
        canvas[2 * PLANE + at] = c[2];
      }
    }
  }

  static final float TINT = Float.parseFloat(System.getProperty("tint", "0.6"));
  static final float MINC = Float.parseFloat(System.getProperty("minc", "0.4"));
  static final float MAXC = Float.parseFloat(System.getProperty("maxc", "1"));
  static final float MINP = Float.parseFloat(System.getProperty("minp", "5"));
  static final float MAXP = Float.parseFloat(System.getProperty("maxp", "12"));
  static final float MING = Float.parseFloat(System.getProperty("ming", "0.05"));
  static final float MAXG = Float.parseFloat(System.getProperty("maxg", "0.25"));

  private float[] colour(SplitMix64 random) {
    return new float[] {random.nextFloat(), random.nextFloat(), random.nextFloat()};
  }

  private void drawPatch(SplitMix64 random) {
    float[] ink = colour(random);
    float cx = random.between(0f, 32f);
    float cy = random.between(0f, 32f);
    float r = random.between(3f, 9f);
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        if ((x - cx) * (x - cx) + (y - cy) * (y - cy) < r * r) {
          for (int channel = 0; channel < 3; channel++) {
            canvas[channel * PLANE + y * SIDE + x] = ink[channel];
          }
        }
      }
    }
  }

  /** Draws a straight bar of one colour across the picture. */
  private void drawBar(SplitMix64 random) {
    double angle = random.nextFloat() * Math.PI;
    float cos = (float) StrictMath.cos(angle);
    float sin = (float) StrictMath.sin(angle);
    float distance = random.between(-9, 9);
    float halfWidth = random.between(0.7f, 2f);
    float[] ink = colour(random);
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
    float contrast = random.between(110f, 200f);
    float light = 128 - contrast / 2 + random.between(-25f, 25f);
    float grain = random.between(MING, MAXG);
    for (int i = 0; i < canvas.length; i += 8) {
      long noise = random.nextLong();
      for (int k = i; k < i + 8; k++, noise >>>= 8) {
        float value = light + contrast * canvas[k] + grain * ((noise & 255) - 127.5f);
        images[offset + k] = (byte) Math.max(0, Math.min(255, (int) value));
      }
    }
  }

  /** Whether the pattern has ink at (u, v), both positive; one tile is of side 1. */
  private static boolean inked(int pattern, float u, float v, float w) {
    int row = (int) v;
    float a = u - (int) u;
    float b = v - row;
    float p = Math.abs(a - 0.5f);
    float q = Math.abs(b - 0.5f);
    return switch (pattern) {
      case 0 -> a < 0.45f * w;
      case 1 -> (((int) (2 * u) + (int) (2 * v)) & 1) == 0;
      case 2 -> p * p + q * q < 0.1f * w;
      case 3 -> {
        float r = (float) Math.sqrt((u - 9) * (u - 9) + (v - 9) * (v - 9));
        yield r - (int) r < 0.45f * w;
      }
      case 4 -> b < 0.2f * w || frac(0.5f * u + 0.25f * (row & 1) * 1f) < 0.1f * w;
      case 5 -> frac(v + 2 * 0.5f * p) < 0.45f * w;
      case 6 -> a < 0.25f * w || b < 0.25f * w;
      case 7 -> a + b < 0.85f * w;
      case 8 -> frac(v + 2 * p * p * 1f) < 0.45f * w;
      default -> Math.min(p, q) < 0.11f * w && Math.max(p, q) < 0.4f;
    };
  }

  private static float frac(float x) {
    return x - (int) x;
  }
}
