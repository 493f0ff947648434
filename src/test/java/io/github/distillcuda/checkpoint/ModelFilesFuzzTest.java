package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thousands of damaged files of each format: each is refused in one line or loads, and nothing else
 * happens. {@code src/test/fuzz.sh} does it 100,000 times.
 */
class ModelFilesFuzzTest {
  private static final int MUTATIONS = Integer.getInteger("distill.fuzz", 5000);

  @TempDir Path folder;
  private int loaded;

  @AfterEach
  void nothingElseWasWritten() {
    assertThat(folder.toFile().list()).isSubsetOf("seed", "mutated");
  }

  /** What changes an archive and goes unnoticed can only be padding: the CRCs cover the rest. */
  @Test
  void archives() throws IOException {
    List<byte[]> seeds = seeds("transposed.pth", "plain-bf16.pth", "odd-shapes.pth");
    seeds.add(ForgedZip.valid().bytes());
    List<List<String>> whole = new ArrayList<>();
    for (byte[] seed : seeds) {
      Path file = Files.write(folder.resolve("seed"), seed);
      whole.add(HashedModel.describe(ModelFiles.read(file)));
    }
    for (int i = 0; i < MUTATIONS; i++) {
      Path file = mutated(i, seeds.get(i % seeds.size()));
      if (read(i, file)) {
        assertThat(HashedModel.describe(ModelFiles.read(file)))
            .as("mutation %d", i)
            .isEqualTo(whole.get(i % seeds.size()));
      }
    }
    assertThat(loaded).isBetween(1, MUTATIONS / 2);
  }

  /** Pickles are damaged and sealed again with the right CRC, or none would ever be run. */
  @Test
  void pickles() throws IOException {
    List<String> seeds =
        List.of("odd-shapes", "nested-model", "parameters", "one-storage", "transposed");
    for (int i = 0; i < MUTATIONS; i++) {
      Mutator mutator = new Mutator(i);
      ForgedZip zip = ForgedZip.fixture(seeds.get(i % seeds.size()) + ".pth", mutator::mutate);
      read(i, Files.write(folder.resolve("mutated"), zip.bytes()));
    }
    assertThat(loaded).isBetween(1, MUTATIONS / 2);
  }

  /** Every other time the length is set right again, so that the damage reaches the JSON. */
  @Test
  void safetensors() throws IOException {
    List<byte[]> seeds =
        seeds("plain-f16.safetensors", "odd-shapes.safetensors", "metadata.safetensors");
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] seed = seeds.get(i % seeds.size());
      Mutator mutator = new Mutator(i);
      int header = (int) ByteBuffer.wrap(seed).order(ByteOrder.LITTLE_ENDIAN).getLong();
      byte[] content =
          mutator.next(2) == 0
              ? mutator.mutate(seed)
              : withHeader(mutator.mutate(Arrays.copyOfRange(seed, 8, 8 + header)), seed, header);
      read(i, Files.write(folder.resolve("mutated"), content));
    }
    assertThat(loaded).isBetween(1, MUTATIONS / 2);
  }

  /** Sealed again with the right SHA-256; without, RunCheckpointTest shows that nothing passes. */
  @Test
  void checkpoints() throws IOException, NoSuchAlgorithmException {
    byte[] seed = RunCheckpointTest.bytes(RunCheckpointTest.checkpoint(3));
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] body = new Mutator(i).mutate(Arrays.copyOf(seed, seed.length - 32));
      byte[] sealed = Arrays.copyOf(body, body.length + 32);
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(body);
      System.arraycopy(digest, 0, sealed, body.length, 32);
      Path file = Files.write(folder.resolve("mutated"), sealed);
      try {
        loaded += Refusal.read(file, sealed.length, RunCheckpoint::read) == null ? 1 : 0;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("mutation " + i, e);
      }
    }
    assertThat(loaded).isBetween(1, MUTATIONS);
  }

  private boolean read(int mutation, Path file) throws IOException {
    try {
      boolean loads = Refusal.read(file, Files.size(file)) == null;
      loaded += loads ? 1 : 0;
      return loads;
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("mutation " + mutation, e);
    }
  }

  private Path mutated(int seed, byte[] content) throws IOException {
    return Files.write(folder.resolve("mutated"), new Mutator(seed).mutate(content));
  }

  private static List<byte[]> seeds(String... names) throws IOException {
    List<byte[]> seeds = new ArrayList<>();
    for (String name : names) {
      seeds.add(Files.readAllBytes(ModelFilesFixtureTest.fixture(name)));
    }
    return seeds;
  }

  private static byte[] withHeader(byte[] header, byte[] file, int oldHeader) {
    int data = file.length - 8 - oldHeader;
    ByteBuffer changed =
        ByteBuffer.allocate(8 + header.length + data).order(ByteOrder.LITTLE_ENDIAN);
    return changed.putLong(header.length).put(header).put(file, 8 + oldHeader, data).array();
  }
}
