package io.github.distillcuda.emulator.op;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.Launch;
import io.github.distillcuda.emulator.PtxModule;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Shuffles, votes, matches and reductions of one warp, against what CUDA's intrinsics say. */
class WarpInstructionTest {
  private static final int LANES = 32;
  private static final int ALL = -1;

  /** Lane values with repetitions and both signs. */
  private static int value(int lane) {
    return lane * lane % 13 - 5;
  }

  // ---- shuffles ----

  /** The definitions of __shfl_*_sync(mask, value, argument, width) in the CUDA guide. */
  @ParameterizedTest
  @CsvSource({
    "up, 1, 32",
    "up, 3, 8",
    "down, 1, 32",
    "down, 5, 16",
    "bfly, 1, 32",
    "bfly, 16, 32",
    "bfly, 3, 4",
    "idx, 0, 32",
    "idx, 7, 32",
    "idx, 5, 8",
    "idx, 21, 16",
    "up, 0, 32"
  })
  void shuffleReadsTheRightLane(String mode, int argument, int width) {
    int bound = mode.equals("up") ? 0 : 31;
    int segmentAndBound = (LANES - width) << 8 | bound;
    Results results =
        run(
            "shfl.sync.%s.b32 %%d|%%q, %%v, %d, %d, %d;"
                .formatted(mode, argument, segmentAndBound, ALL));

    for (int lane = 0; lane < LANES; lane++) {
      int first = lane / width * width;
      int source =
          switch (mode) {
            case "up" -> lane - argument;
            case "down" -> lane + argument;
            case "bfly" -> lane ^ argument;
            default -> first + argument % width;
          };
      boolean inSegment = source >= first && source < first + width;
      assertThat(results.value(lane))
          .as("lane " + lane)
          .isEqualTo(value(inSegment ? source : lane));
      assertThat(results.predicate(lane)).as("lane " + lane).isEqualTo(inSegment);
    }
  }

  @Test
  void shuffleMayReadIntoItsOwnRegister() {
    Results results = run("mov.b32 %d, %v; shfl.sync.idx.b32 %d, %d, %mirror, 31, -1;");

    results.assertValues(lane -> value(31 - lane));
  }

  @Test
  void halvesOfAWarpShuffleApart() {
    Results results =
        run(
            """
            setp.lt.s32 %q, %lane, 16;
            selp.b32 %m, 65535, -65536, %q;
            shfl.sync.bfly.b32 %d, %v, 15, 31, %m;
            """);

    results.assertValues(lane -> value(lane ^ 15));
  }

  // ---- votes ----

  @ParameterizedTest
  @ValueSource(ints = {-100, 0, 100})
  void votesCountTheLanesInFavour(int threshold) {
    String vote = "setp.gt.s32 %%q, %%v, %d; vote.sync.%s %s, %%q, -1; %s";
    String toInt = "selp.b32 %d, 1, 0, %q;";
    long inFavour = IntStream.range(0, LANES).filter(l -> value(l) > threshold).count();

    run(vote.formatted(threshold, "any.pred", "%q", toInt))
        .assertValues(lane -> inFavour > 0 ? 1 : 0);
    run(vote.formatted(threshold, "all.pred", "%q", toInt))
        .assertValues(lane -> inFavour == LANES ? 1 : 0);
    run(vote.formatted(threshold, "uni.pred", "%q", toInt))
        .assertValues(lane -> inFavour == LANES || inFavour == 0 ? 1 : 0);
    run("setp.gt.s32 %%q, %%v, %d; vote.sync.any.pred %%q, !%%q, -1; %s"
            .formatted(threshold, toInt))
        .assertValues(lane -> inFavour < LANES ? 1 : 0);
  }

  @Test
  void ballotShowsWhoIsInFavour() {
    int expected = 0;
    for (int lane = 0; lane < LANES; lane++) {
      expected |= value(lane) > 0 ? 1 << lane : 0;
    }
    int ballot = expected;

    run("setp.gt.s32 %q, %v, 0; vote.sync.ballot.b32 %d, %q, -1;").assertValues(lane -> ballot);
  }

  @Test
  void aVoteOfSomeLanesLeavesTheOthersOut() {
    run("""
    mov.u32 %d, 77;
    setp.ge.s32 %q, %lane, 8;
    @%q bra $SKIP;
    setp.ge.s32 %q, %lane, 4;
    vote.sync.ballot.b32 %d, %q, 255;
    $SKIP:
    """)
        .assertValues(lane -> lane < 8 ? 0xf0 : 77);
  }

  // ---- matches and reductions ----

  @Test
  void matchFindsTheLanesWithTheSameValue() {
    IntUnaryOperator sameValue =
        lane -> {
          int same = 0;
          for (int other = 0; other < LANES; other++) {
            same |= value(other) == value(lane) ? 1 << other : 0;
          }
          return same;
        };

    run("match.any.sync.b32 %d, %v, -1;").assertValues(sameValue);
    run("cvt.s64.s32 %w, %v; shl.b64 %w, %w, 33; match.any.sync.b64 %d, %w, -1;")
        .assertValues(sameValue);
  }

  @Test
  void reductionsCombineAllLanes() {
    assertReduction("add.s32", Integer::sum);
    assertReduction("add.u32", Integer::sum);
    assertReduction("min.s32", Math::min);
    assertReduction("max.s32", Math::max);
    assertReduction("min.u32", (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b);
    assertReduction("max.u32", (a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b);
    assertReduction("and.b32", (a, b) -> a & b);
    assertReduction("or.b32", (a, b) -> a | b);
    assertReduction("xor.b32", (a, b) -> a ^ b);
  }

  private static void assertReduction(String operation, IntBinaryOperator combine) {
    int expected =
        IntStream.range(0, LANES).map(WarpInstructionTest::value).reduce(combine).orElseThrow();
    run("redux.sync.%s %%d, %%v, -1;".formatted(operation)).assertValues(lane -> expected);
  }

  @Test
  void activeMaskShowsWhoIsHere() {
    run("setp.lt.s32 %q, %lane, 5; mov.u32 %d, 0; @%q activemask.b32 %d;")
        .assertValues(lane -> lane < 5 ? 0x1f : 0);
  }

  // ---- the kernel around them ----

  private record Results(int[] values, int[] predicates) {
    int value(int lane) {
      return values[lane];
    }

    boolean predicate(int lane) {
      return predicates[lane] != 0;
    }

    void assertValues(IntUnaryOperator expected) {
      for (int lane = 0; lane < LANES; lane++) {
        assertThat(values[lane]).as("lane " + lane).isEqualTo(expected.applyAsInt(lane));
      }
    }
  }

  /** Runs a body that reads %v and writes %d and, if it likes, %q, in one warp. */
  private static Results run(String body) {
    String text =
        """
        .version 7.0
        .target sm_80
        .address_size 64
        .visible .entry one(.param .u64 values, .param .u64 results)
        {
          .reg .pred %q;
          .reg .b32 %lane, %mirror, %v, %d, %m, %flag;
          .reg .b64 %w, %from, %to, %offset;
          mov.u32 %lane, %laneid;
          sub.s32 %mirror, 31, %lane;
          ld.param.u64 %from, [values];
          ld.param.u64 %to, [results];
          mul.wide.s32 %offset, %lane, 4;
          add.s64 %from, %from, %offset;
          add.s64 %to, %to, %offset;
          ld.global.b32 %v, [%from];
          setp.eq.s32 %q, %lane, -1;
          BODY
          st.global.b32 [%to], %d;
          selp.b32 %flag, 1, 0, %q;
          st.global.b32 [%to+128], %flag;
          ret;
        }
        """
            .replace("BODY", body);
    EmulatedMemory memory = new EmulatedMemory();
    Region values = memory.allocate("values", 4 * LANES);
    Region results = memory.allocate("results", 8 * LANES);
    int[] inputs = new int[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      inputs[lane] = value(lane);
    }
    values.hostWrite(0, HostBytes.of(inputs));
    Launch.of(PtxModule.parse(text).kernel("one"))
        .block(LANES)
        .arguments(values, results)
        .run(memory);
    return new Results(
        HostBytes.toInts(results.hostRead(0, 4 * LANES)),
        HostBytes.toInts(results.hostRead(4 * LANES, 4 * LANES)));
  }
}
