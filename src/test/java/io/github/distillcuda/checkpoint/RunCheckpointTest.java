package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunCheckpointTest {
  @TempDir Path folder;

  static RunCheckpoint checkpoint(int step) {
    JsonObject state = new JsonObject();
    state.addProperty("step", step);
    state.addProperty("seed", Long.MIN_VALUE + 1);
    state.addProperty("loss", 0.1 + 0.2);
    state.addProperty("least", Double.MIN_VALUE);
    state.addProperty("minusZero", -0.0);
    state.addProperty("text", "<ä & \u2028 \"名\">\n");
    state.add("nothing", JsonNull.INSTANCE);
    JsonArray history = new JsonArray();
    history.add(1.0f / 3);
    history.add(new JsonObject());
    state.add("history", history);
    return new RunCheckpoint(state, HashedModel.arrays());
  }

  @Test
  void bringsBackEveryBit() {
    RunCheckpoint written = checkpoint(7);
    Path file = folder.resolve("a.ckpt");
    AtomicFile.write(file, written::writeTo);
    RunCheckpoint read = RunCheckpoint.read(file);
    assertThat(read.state().toString()).isEqualTo(written.state().toString());
    assertThat(read.state().get("seed").getAsLong()).isEqualTo(Long.MIN_VALUE + 1);
    assertThat(read.state().get("loss").getAsDouble()).isEqualTo(0.30000000000000004);
    assertThat(read.state().get("least").getAsDouble()).isEqualTo(Double.MIN_VALUE);
    assertThat(1 / read.state().get("minusZero").getAsDouble()).isNegative().isInfinite();
    assertThat(read.state().get("history").getAsJsonArray().get(0).getAsFloat())
        .isEqualTo(1.0f / 3);
    assertThat(HashedModel.describe(read.arrays()))
        .isEqualTo(HashedModel.describe(written.arrays()));
  }

  @Test
  void repeatsItsBytes() throws IOException {
    byte[] first = bytes(checkpoint(7));
    assertThat(bytes(checkpoint(7))).isEqualTo(first);
    assertThat(bytes(new RunCheckpoint(new JsonObject(), List.of()))).hasSize(24 + 2 + 40 + 32);
  }

  @Test
  void refusesWhatItCouldNotReadBack() {
    NamedArray array = new NamedArray("a", Shape.of(1), new float[1]);
    assertThatThrownBy(() -> new RunCheckpoint(new JsonObject(), List.of(array, array)))
        .isInstanceOf(IllegalArgumentException.class);
    JsonObject state = new JsonObject();
    state.addProperty("loss", Double.NaN);
    RunCheckpoint nan = new RunCheckpoint(state, List.of());
    assertThatThrownBy(() -> AtomicFile.write(folder.resolve("nan.ckpt"), nan::writeTo))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    byte[] whole = bytes(checkpoint(7));
    for (int point = 0; point < 50; point++) {
      assertRefused(Arrays.copyOf(whole, whole.length * point / 50), "cut short");
    }
    assertRefused(Arrays.copyOf(whole, whole.length - 1), "cut short");
    assertRefused(Arrays.copyOf(whole, whole.length + 1), "cut short or too long");
  }

  @Test
  void refusesEveryFlippedBit() throws IOException {
    byte[] whole = bytes(checkpoint(7));
    for (int at = 0; at < whole.length; at++) {
      byte[] flipped = whole.clone();
      flipped[at] ^= (byte) (1 << at % 8);
      String reason =
          at < 8
              ? "not a checkpoint of this program"
              : at < 12 ? "it has version" : at < 24 ? "what its header says" : "SHA-256";
      assertRefused(flipped, reason);
    }
  }

  /**
   * Files that prove themselves whole and are wrong inside: from another program, or on purpose.
   */
  @Test
  void refusesWellSealedNonsense() throws IOException {
    byte[] none = "\2\0\0\0\0\0\0\0{}".getBytes(StandardCharsets.ISO_8859_1);
    assertRefused(sealed("[]", none), "not one JSON object");
    assertRefused(sealed("{}{}", none), "not valid JSON");
    assertRefused(sealed("{", none), "not valid JSON");
    assertRefused(sealed("{'a':1}", none), "not valid JSON");
    assertRefused(sealed("{\"a\":NaN}", none), "not valid JSON");
    assertRefused(sealed("{\"a\":" + "[".repeat(100_000), none), "not valid JSON");
    assertRefused(sealed("{}\u00ff", none), "not UTF-8");
    assertRefused(sealed("{}", new byte[0]), "too few for a safetensors header");
    assertRefused(sealed("{}", Arrays.copyOf(none, 11)), "has 1 for them");
    byte[] wrapping = sealed("{}", none);
    // Lengths whose sum is right: the state reaches eight bytes past the end.
    ByteBuffer lengths = ByteBuffer.wrap(wrapping).order(ByteOrder.LITTLE_ENDIAN);
    lengths.putInt(12, wrapping.length - 24 - 32 + 8).putLong(16, -8);
    assertRefused(wrapping, "what its header says");
    assertThat(RunCheckpoint.read(Files.write(folder.resolve("b"), sealed("{}", none))).arrays())
        .isEmpty();
  }

  private void assertRefused(byte[] content, String reason) throws IOException {
    Path file = Files.write(folder.resolve("bad.ckpt"), content);
    assertThatThrownBy(() -> RunCheckpoint.read(file))
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(reason)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DATA);
  }

  static byte[] bytes(RunCheckpoint checkpoint) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    checkpoint.writeTo(out);
    return out.toByteArray();
  }

  /** The documented layout, from its parts. */
  private static byte[] sealed(String state, byte[] arrays) {
    byte[] json = state.getBytes(StandardCharsets.ISO_8859_1);
    ByteBuffer file =
        ByteBuffer.allocate(24 + json.length + arrays.length + 32).order(ByteOrder.LITTLE_ENDIAN);
    file.put("DISTILCK".getBytes(StandardCharsets.US_ASCII)).putInt(1);
    file.putInt(json.length).putLong(arrays.length).put(json).put(arrays);
    try {
      byte[] body = Arrays.copyOf(file.array(), file.position());
      return file.put(MessageDigest.getInstance("SHA-256").digest(body)).array();
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
