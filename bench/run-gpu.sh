#!/usr/bin/env bash
# Runs on a machine with a GPU what bench/pack-gpu.sh packed: in order, each section under its own time
# limit and whatever became of the one before, results written to $OUT as they come.
#
#   OUT=results bench/run-gpu.sh [SECTION...]     without one: first
#
#   first      facts contract runs stages steps table: what is wanted most, under limits of 460 s together
#   second     sanitizer wide layers jcuda table: the rest of a quarter of an hour, under 290 s
#
#   facts      GPU, driver and library versions
#   specs      every kernel and every instruction of the interpreter's tests on the GPU      (JUnit)
#   ceilings   copy bandwidth and the cost of a graph node, from Java and from PyTorch
#   kernels    every kernel and the three forms of the loss, timed                           (CSV)
#   peers      PyTorch: the loss eager, compiled, in a graph                                 (JSON lines)
#   contract   the contract and the trajectory of every backend, on the GPU                  (JUnit)
#   runs       a training step and ten epochs of distill-cuda in every combination           (CSV)
#   stages     each operation of a training step by itself, with its floor                   (CSV)
#   steps      PyTorch: the training step eager, compiled, in a graph                        (JSON lines)
#   layers     PyTorch: each layer forward and backward                                      (JSON lines)
#   wide       the loss of vocabularies                                                      (CSV)
#   jcuda      the contract through JCuda instead of Panama                                  (JUnit)
#   train      whole runs of the program: accuracy by precision and seed, the same bits?     (CSV)
#   sanitizer  compute-sanitizer over a few cases of every kernel
#   table      the short table of what was written, last
set -u
cd "$(dirname "$0")/.." || exit 1
readonly kit=.gpu
OUT=${OUT:-target/gpu}
mkdir -p "$OUT"
export OUT
failed=()

main() {
  local section begin=$SECONDS
  unpack_java
  [[ $# -gt 0 ]] || set -- first
  for section in "$@"; do
    case $section in
      first) run_sections facts contract runs stages steps table ;;
      second)
        : "${SANITIZER_TOOLS:=initcheck synccheck}"
        run_sections sanitizer wide layers jcuda table
        ;;
      *) run_section "$section" ;;
    esac
  done
  say "all sections: $((SECONDS - begin)) s; failed: ${failed[*]:-none}"
  ((${#failed[@]} == 0))
}

say() { echo "== $*" | tee -a "$OUT/run.log"; }

run_sections() {
  local each
  for each in "$@"; do
    run_section "$each"
  done
}

run_section() {
  local begin=$SECONDS status
  if ! declare -F "section_$1" >/dev/null; then
    say "no section $1"
    failed+=("$1")
    return
  fi
  say "$1"
  "section_$1" 2>&1 | tee -a "$OUT/run.log"
  status=${PIPESTATUS[0]}
  ((status == 0)) || failed+=("$1")
  say "$1: exit $status after $((SECONDS - begin)) s"
}

# The packed runtime, unless a Java 25 is there.
unpack_java() {
  if [[ -f $kit/jre25.tar.xz ]]; then
    home=$(mktemp -d)
    trap 'rm -rf "$home"' EXIT
    python3 -m tarfile -e "$kit/jre25.tar.xz" "$home" 2>>"$OUT/run.log" || tar -xJf "$kit/jre25.tar.xz" -C "$home"
    export PATH=$home/jre25/bin:$PATH
  fi
  classpath=$kit/distill-cuda.jar:$kit/tests.jar:$kit/assertj-core.jar
  console=$kit/junit-platform-console-standalone.jar
}

# java_gpu SECONDS ARGUMENTS...
java_gpu() {
  local limit=$1
  shift
  timeout --kill-after=5 "$limit" java -Xmx4g -XX:+UseSerialGC -XX:TieredStopAtLevel=4 \
    --enable-native-access=ALL-UNNAMED --illegal-native-access=deny -Ddistill.gpu=true \
    -Ddistill.engine="${engine:-auto}" "$@"
}

# junit SECONDS CLASS...
junit() {
  local limit=$1 class arguments=()
  shift
  for class in "$@"; do
    arguments+=(--select-class "io.github.distillcuda.$class")
  done
  java_gpu "$limit" -jar "$console" execute --class-path "$classpath" --fail-if-no-tests \
    --disable-banner --disable-ansi-colors --details=summary "${arguments[@]}"
}

section_facts() {
  {
    nvidia-smi --query-gpu=name,driver_version,vbios_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit,ecc.mode.current,temperature.gpu --format=csv
    nvidia-smi | head -15
    java -version
    python3 bench/peers/gpu_peers.py versions
    nvcc --version | tail -2
    compute-sanitizer --version | tail -1
    echo "commit $(cat "$kit/commit")"
  } >"$OUT/facts.txt" 2>&1
  cat "$OUT/facts.txt"
  nvidia-smi >/dev/null 2>&1
}

section_specs() {
  junit 100 emulator.spec.DeviceKernelSpecTest >"$OUT/specs.log" 2>&1
  local status=$?
  junit 60 emulator.op.DeviceInstructionTest >>"$OUT/specs.log" 2>&1 || status=$?
  summarize_junit "$OUT/specs.log"
  return "$status"
}

# The counts, what was measured, and each failure once with the first test that it befell.
summarize_junit() {
  grep -E '^measured|tests (found|successful|failed)' "$1"
  awk '/^  JUnit Jupiter:/ { name = $0 }
    /^    => / { if (!count[$0]++) { order[++n] = $0; first[$0] = name } }
    END { for (i = 1; i <= n; i++) printf "%d x%s (first: %s)\n", count[order[i]], substr(order[i], 7), first[order[i]] }' "$1" |
    tr -s ' ' | cut -c1-500 | head -60
}

bench_java() {
  java_gpu "$1" -cp "$classpath:$console" io.github.distillcuda.bench.DeviceBenchMain "${@:2}" 2>&1
}

section_ceilings() {
  local status=0
  bench_java 40 ceilings "$OUT/ceilings.csv" || status=$?
  timeout 40 python3 bench/peers/gpu_peers.py ceilings || status=$?
  return "$status"
}

section_wide() { bench_java "${WIDE_SECONDS:-70}" kernels "$OUT/wide.csv" "${WIDE_MILLIS:-100}" vocabulary; }

section_kernels() { bench_java "${KERNELS_SECONDS:-150}" kernels "$OUT/kernels.csv" "${KERNELS_MILLIS:-400}"; }

section_peers() {
  timeout "${PEERS_SECONDS:-100}" python3 bench/peers/gpu_peers.py loss | tee "$OUT/peers.jsonl"
  return "${PIPESTATUS[0]}"
}

# contract_junit SECONDS LOG
contract_junit() {
  local status=0
  junit "$1" backend.GpuContractTest backend.GpuTrajectoryTest >"$2" 2>&1 || status=$?
  summarize_junit "$2"
  return "$status"
}

section_contract() { contract_junit "${CONTRACT_SECONDS:-90}" "$OUT/contract.log"; }

section_jcuda() { engine=jcuda contract_junit "${JCUDA_SECONDS:-60}" "$OUT/jcuda.log"; }

train_java() {
  java_gpu "$1" -cp "$classpath:$console" "io.github.distillcuda.train.$2" "${@:3}" 2>&1
}

section_runs() { train_java "${RUNS_SECONDS:-90}" RunBenchMain "$OUT/runs.csv" "${RUNS_MILLIS:-250}"; }

section_stages() { train_java "${STAGES_SECONDS:-70}" StageBenchMain "$OUT/stages.csv" "${STAGES_MILLIS:-25}"; }

section_steps() {
  local seconds=${STEPS_SECONDS:-170}
  timeout --kill-after=5 $((seconds + 10)) python3 bench/peers/gpu_peers.py steps --seconds "$seconds" \
    --group-seconds "${STEPS_GROUP_SECONDS:-50}" | tee "$OUT/steps.jsonl"
  return "${PIPESTATUS[0]}"
}

section_layers() {
  timeout --kill-after=5 "${LAYERS_SECONDS:-40}" python3 bench/peers/gpu_peers.py layers | tee "$OUT/layers.jsonl"
  return "${PIPESTATUS[0]}"
}

section_train() {
  local images=() work
  work=$(mktemp -d)
  if [[ -f $kit/cifar10-jpeg.tar.xz ]] &&
    timeout 60 python3 bench/cifar10_from_jpeg.py "$kit/cifar10-jpeg.tar.xz" "$work/images"; then
    images=(--data-dir "$work/images")
  else
    echo "no images: the synthetic set"
  fi
  timeout "${TRAIN_SECONDS:-150}" python3 bench/gpu_run.py "$OUT/gpu-run.csv" --jar "$kit/distill-cuda.jar" \
    --commit "$(cat "$kit/commit")" "${images[@]}"
  local status=$?
  rm -rf "$work"
  return "$status"
}

section_sanitizer() {
  local tool status=0
  : >"$OUT/sanitizer.log"
  for tool in ${SANITIZER_TOOLS:-memcheck racecheck initcheck synccheck}; do
    timeout --kill-after=5 "${SANITIZER_SECONDS:-45}" compute-sanitizer --tool "$tool" --target-processes all \
      --error-exitcode 86 --print-limit 20 \
      java -Xmx2g -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -Ddistill.gpu=true \
      -cp "$classpath:$console" io.github.distillcuda.emulator.spec.SanitizedCases >"$OUT/tool.log" 2>&1
    local code=$?
    { echo "=== $tool: exit $code"; head -c 3000000 "$OUT/tool.log"; } >>"$OUT/sanitizer.log"
    echo "$tool: exit $code; $(grep -E 'ERROR SUMMARY|cases' "$OUT/tool.log" | tail -3 | tr '\n' ' ')"
    ((code == 0)) || { status=1; grep -vE '^\s*$' "$OUT/tool.log" | head -12 | cut -c1-300; }
  done
  rm -f "$OUT/tool.log"
  return "$status"
}

section_table() {
  timeout 20 python3 bench/gpu_table.py "$OUT"
}

main "$@"
