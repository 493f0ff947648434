package io.github.distillcuda.checkpoint;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/**
 * Everything a run needs to go on as if it had never stopped, in one file that proves itself whole:
 * magic and version, the lengths of the two parts, the trainer's state as JSON, the arrays as
 * safetensors, and the SHA-256 of all that. Numbers come back to the bit. The same content gives
 * the same bytes.
 *
 * @param state what the trainer wants back: configuration, progress, history; finite numbers only;
 *     not copied
 * @param arrays parameters and optimizer moments under distinct names
 */
public record RunCheckpoint(JsonObject state, List<NamedArray> arrays) {
  private static final byte[] MAGIC = "DISTILCK".getBytes(StandardCharsets.US_ASCII);
  private static final int VERSION = 1;

  /** Magic, version, bytes of the state (int), bytes of the arrays (long). */
  private static final int HEADER_BYTES = 8 + 4 + 4 + 8;

  private static final int DIGEST_BYTES = 32;
  private static final int MAX_STATE_BYTES = 64 << 20;

  /**
   * Checks that the arrays can be written.
   *
   * @throws IllegalArgumentException if two have one name, or they are too many or too large
   */
  public RunCheckpoint {
    arrays = List.copyOf(arrays);
    try {
      ModelFiles.requireReadable(arrays);
    } catch (InvalidFileException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** Writes the file's content. */
  public void writeTo(OutputStream out) throws IOException {
    byte[] json = stateBytes();
    DigestOutputStream digested = new DigestOutputStream(out, sha256());
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    header.put(MAGIC).putInt(VERSION).putInt(json.length).putLong(SafetensorsFile.size(arrays));
    digested.write(header.array());
    digested.write(json);
    SafetensorsFile.write(digested, arrays);
    out.write(digested.getMessageDigest().digest());
  }

  /**
   * Reads a checkpoint and verifies all of it.
   *
   * @throws DistillException (DATA) naming the file and what is wrong with it
   */
  public static RunCheckpoint read(Path file) {
    ByteBuffer content = BoundedFile.read(file);
    try {
      return parse(content);
    } catch (InvalidFileException e) {
      throw e.of(file);
    }
  }

  private static RunCheckpoint parse(ByteBuffer file) throws InvalidFileException {
    boolean known =
        file.limit() >= HEADER_BYTES + DIGEST_BYTES
            && file.slice(0, MAGIC.length).equals(ByteBuffer.wrap(MAGIC));
    if (!known) {
      throw new InvalidFileException("it is not a checkpoint of this program or is cut short");
    }
    int version = file.getInt(MAGIC.length);
    if (version != VERSION) {
      throw new InvalidFileException("it has version " + version + ", this program reads 1");
    }
    long stateBytes = Integer.toUnsignedLong(file.getInt(12));
    long arrayBytes = file.getLong(16);
    long body = file.limit() - HEADER_BYTES - DIGEST_BYTES;
    if (stateBytes > MAX_STATE_BYTES || stateBytes > body || arrayBytes != body - stateBytes) {
      throw new InvalidFileException(
          "it is cut short or too long: " + file.limit() + " bytes are not what its header says");
    }
    requireDigest(file);
    JsonObject state = state(FloatBytes.slice(file, HEADER_BYTES, (int) stateBytes));
    int arrays = HEADER_BYTES + (int) stateBytes;
    try {
      return new RunCheckpoint(
          state, SafetensorsFile.read(FloatBytes.slice(file, arrays, (int) arrayBytes)));
    } catch (IllegalArgumentException e) {
      throw new InvalidFileException("its arrays are not what this program writes", e);
    }
  }

  private static void requireDigest(ByteBuffer file) throws InvalidFileException {
    int end = file.limit() - DIGEST_BYTES;
    MessageDigest sha256 = sha256();
    sha256.update(file.slice(0, end));
    if (!file.slice(end, DIGEST_BYTES).equals(ByteBuffer.wrap(sha256.digest()))) {
      throw new InvalidFileException("it is damaged: its SHA-256 does not match");
    }
  }

  private static JsonObject state(ByteBuffer bytes) throws InvalidFileException {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      JsonReader json = new JsonReader(new StringReader(text));
      json.setStrictness(Strictness.STRICT);
      JsonElement state = JsonParser.parseReader(json);
      if (state.isJsonObject() && json.peek() == JsonToken.END_DOCUMENT) {
        return state.getAsJsonObject();
      }
      throw new InvalidFileException("its state is not one JSON object");
    } catch (CharacterCodingException e) {
      throw new InvalidFileException("its state is not UTF-8", e);
    } catch (IOException | JsonParseException e) {
      throw new InvalidFileException("its state is not valid JSON", e);
    }
  }

  private byte[] stateBytes() {
    String text =
        new GsonBuilder()
            .setStrictness(Strictness.STRICT)
            .serializeNulls()
            .disableHtmlEscaping()
            .create()
            .toJson((JsonElement) state);
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
