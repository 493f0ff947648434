#!/usr/bin/env bash
# Runs on a machine with a GPU what bench/pack-gpu.sh packed: in order, each section under its own time
# limit and whatever became of the one before, results written to $OUT as they come.
#
#   OUT=results bench/run-gpu.sh [SECTION...]     without one: first
#
#   first      facts checks runs kernels stages steps peers profile table: what is wanted most, in 560 s at the most
#   second     wide layers rest table: what comes next, in 200 s at the most
#
#   facts      GPU, driver and library versions
#   checks     specs, instructions, contract, jcuda, accuracy, sanitizer and compile at once: none of them times
#              anything, and each leaves most of a GPU and of 16 processors idle
#   specs      the cases of every kernel on the GPU                                          (JUnit)
#   instructions  every instruction of the interpreter on the GPU                            (JUnit)
#   contract   the contract and the trajectory of every backend, on the GPU                  (JUnit)
#   jcuda      the bits of JCuda beside Panama's, the contract of two precisions through JCuda   (JUnit)
#   accuracy   whole runs of the program that share the GPU: accuracy by precision and seed, the same bits?   (CSV)
#   sanitizer  compute-sanitizer's four tools over a few cases of every kernel
#   compile    PyTorch's compilers, for steps and peers to find their work done
#   runs       a training step and ten epochs of distill-cuda, tf32 first, then bf16         (CSV)
#   kernels    every kernel and the three forms of the loss, timed; the newest first         (CSV)
#   stages     each operation of a training step by itself, with its floor                   (CSV)
#   steps      PyTorch: the training step eager, compiled, in a graph                        (JSON lines)
#   peers      PyTorch: the loss eager, compiled, in a graph                                 (JSON lines)
#   profile    Nsight Compute on the loss and the convolutions: what they wait for
#   wide       the loss of vocabularies                                                      (CSV)
#   layers     PyTorch: each layer forward and backward                                      (JSON lines)
#   rest       as runs: fp32 and both chains of the loss                                     (CSV)
#   table      the short table of what was written, last
#   ceilings   copy bandwidth and the cost of a graph node, from Java and from PyTorch
#   train      as accuracy, one run after the other, PyTorch's too: with times               (CSV)
#
# A section that its limit ends leaves the tests and rows that it had finished. In a group none begins that the
# group has no time for, and none gets more than the group has left.
set -u
cd "$(dirname "$0")/.." || exit 1
readonly kit=.gpu
OUT=${OUT:-target/gpu}
mkdir -p "$OUT"
export OUT
readonly step_batches=${STEP_BATCHES:-64,256,1024}
readonly package=io.github.distillcuda
# Under which nothing begins: Java, Python and a GPU take some seconds to start.
readonly least=12
failed=()
deadline=

main() {
  local section begin=$SECONDS
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  readonly compiled=$work/compiled
  unpack_java
  [[ $# -gt 0 ]] || set -- first
  for section in "$@"; do
    case $section in
      first) run_group "${FIRST_SECONDS:-560}" facts checks runs kernels stages steps peers profile table ;;
      second) run_group "${SECOND_SECONDS:-200}" wide layers rest table ;;
      *) run_section "$section" ;;
    esac
  done
  say "all sections: $((SECONDS - begin)) s; failed: ${failed[*]:-none}"
  ((${#failed[@]} == 0))
}

say() { echo "== $*" | tee -a "$OUT/run.log"; }

# run_group SECONDS SECTION...
run_group() {
  local each
  deadline=$((SECONDS + $1))
  shift
  for each in "$@"; do
    # A few seconds are kept for the table, which is last and quick.
    if [[ $each != table ]] && ((deadline - SECONDS < least)); then
      say "$each: not begun, $((deadline - SECONDS)) s are left"
      failed+=("$each")
    else
      run_section "$each"
    fi
  done
  deadline=
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

# limited SECONDS COMMAND...: ends it then, or when the group must
limited() {
  local seconds=$1 left
  shift
  if [[ -n $deadline ]]; then
    left=$((deadline - SECONDS - 6))
    ((left > 0)) || left=1
    ((seconds <= left)) || seconds=$left
  fi
  timeout --kill-after=5 "$seconds" "$@"
}

# The packed runtime, unless a Java 25 is there.
unpack_java() {
  if [[ -f $kit/jre25.tar.xz ]]; then
    python3 -m tarfile -e "$kit/jre25.tar.xz" "$work" 2>>"$OUT/run.log" || tar -xJf "$kit/jre25.tar.xz" -C "$work"
    export PATH=$work/jre25/bin:$PATH
  fi
  classpath=$kit/distill-cuda.jar:$kit/tests.jar:$kit/assertj-core.jar
  console=$kit/junit-platform-console-standalone.jar
}

# java_gpu SECONDS ARGUMENTS...
java_gpu() {
  local limit=$1
  shift
  limited "$limit" java -Xmx4g -XX:+UseSerialGC -XX:TieredStopAtLevel=4 \
    --enable-native-access=ALL-UNNAMED --illegal-native-access=deny -Ddistill.gpu=true \
    -Ddistill.engine="${engine:-auto}" "$@"
}

# junit_section SECONDS NAME SELECTORS...: a JVM for each argument; each test is in the log as soon as it ends
junit_section() {
  local limit=$1 name=$2 i=0 each selectors pids=() status=0
  shift 2
  for each in "$@"; do
    read -ra selectors <<<"$each"
    java_gpu "$limit" -jar "$console" execute --class-path "$classpath" --fail-if-no-tests --disable-banner \
      --disable-ansi-colors --details=testfeed "${selectors[@]}" >"$OUT/$name.$i.part" 2>&1 &
    pids+=($!)
    i=$((i + 1))
  done
  for i in "${!pids[@]}"; do
    wait "${pids[i]}" || status=1
  done
  cat "$OUT/$name".*.part >"$OUT/$name.log"
  rm "$OUT/$name".*.part
  summarize_junit "$OUT/$name.log"
  return "$status"
}

section_facts() {
  {
    timeout 5 nvidia-smi --query-gpu=name,driver_version,vbios_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit,ecc.mode.current,temperature.gpu --format=csv
    timeout 5 nvidia-smi | head -15
    java -version
    limited 20 python3 bench/peers/gpu_peers.py versions
    nvcc --version | tail -2
    compute-sanitizer --version | tail -1
    echo "commit $(cat "$kit/commit")"
  } >"$OUT/facts.txt" 2>&1
  cat "$OUT/facts.txt"
  timeout 5 nvidia-smi >/dev/null 2>&1
}

section_checks() {
  local name pids=() names status=0
  read -ra names <<<"${CHECKS:-contract specs instructions jcuda accuracy sanitizer compile}"
  for name in "${names[@]}"; do
    "section_$name" >"$OUT/$name.out" 2>&1 &
    pids+=($!)
  done
  for name in "${!names[@]}"; do
    if wait "${pids[name]}"; then echo "-- ${names[name]}: passed"; else
      status=1
      echo "-- ${names[name]}: failed"
    fi
    cat "$OUT/${names[name]}.out"
    rm "$OUT/${names[name]}.out"
  done
  return "$status"
}

# The parameters of each test in parts: a JVM each.
section_specs() {
  local part tests=() of="method:$package.emulator.spec.DeviceKernelSpecTest"
  for part in 0..19 20..39 40..54 55..999; do
    tests+=("--select-iteration $of#givesTheBitsOfTheEmulator(java.lang.String)[$part]")
  done
  for part in 0..39 40..79 80..119 120..999; do
    tests+=("--select-iteration $of#isWithinItsToleranceAndRepeatable(java.lang.String)[$part]")
  done
  junit_section "${SPECS_SECONDS:-140}" specs "${tests[@]}"
}

section_instructions() {
  junit_section "${INSTRUCTIONS_SECONDS:-140}" instructions "--select-class $package.emulator.op.DeviceInstructionTest"
}

# The counts, what was measured or left out, each failure once with the first test that it befell, and what a time
# limit cut short.
summarize_junit() {
  grep -E '^(measured|not on this GPU)' "$1"
  awk '
    / :: (STARTED|SUCCESSFUL|FAILED|ABORTED|SKIPPED)$/ {
      state = $NF
      name = $0
      sub(/ :: [A-Z]+$/, "", name)
      sub(/^JUnit Jupiter > /, "", name)
      if (state == "STARTED") { running[name] = 1; next }
      delete running[name]
      count[state]++
      if (state != "SUCCESSFUL") { reading = 3; reason = "" }
      next
    }
    reading && (/^\t\tat / || !/^\t/ || NF == 0) { note(); reading = 0 }
    reading { sub(/^\t+/, ""); reason = reason (reason == "" ? "" : " ") $0; if (!--reading) note() }
    function note() {
      if (reason != "" && !times[state, reason]++) { order[++n] = reason; states[n] = state; first[n] = name }
    }
    END {
      printf "tests: %d successful, %d failed, %d aborted, %d skipped\n", count["SUCCESSFUL"], count["FAILED"],
        count["ABORTED"], count["SKIPPED"]
      for (name in running) print "not finished: " name
      for (i = 1; i <= n; i++)
        printf "%d %s: %s (first: %s)\n", times[states[i], order[i]], tolower(states[i]), order[i], first[i]
    }' "$1" | tr -s ' ' | cut -c1-500 | head -60
}

bench_java() {
  java_gpu "$1" -cp "$classpath:$console" $package.bench.DeviceBenchMain "${@:2}" 2>&1
}

section_ceilings() {
  local status=0
  bench_java 40 ceilings "$OUT/ceilings.csv" || status=$?
  timeout 40 python3 bench/peers/gpu_peers.py ceilings || status=$?
  return "$status"
}

section_wide() { bench_java "${WIDE_SECONDS:-60}" kernels "$OUT/wide.csv" "${WIDE_MILLIS:-100}" vocabulary; }

# What no run has timed yet comes first; vocabularies are a section of their own.
section_kernels() {
  bench_java "${KERNELS_SECONDS:-70}" kernels "$OUT/kernels.csv" "${KERNELS_MILLIS:-150}" \
    'by rung|many channels|to the input|filter gradient|bias gradient' 'loss \+ gradient' '^(?!.*vocabulary)'
}

section_peers() {
  limited "${PEERS_SECONDS:-60}" python3 bench/peers/gpu_peers.py loss --commit "$(cat "$kit/commit")" | tee "$OUT/peers.jsonl"
  return "${PIPESTATUS[0]}"
}

section_contract() {
  local classes=(GpuContractTest'$'{FusedLossAnd{Library,}Layers,UnfusedLossAnd{LibraryLayers,FusedLayers}}
    GpuContractTest'$'{EagerLossAndLibraryLayers,{Library,Fused}LayersIn{Bfloat16,Tf32}} GpuTrajectoryTest)
  junit_section "${CONTRACT_SECONDS:-140}" contract "${classes[@]/#/--select-class $package.backend.}"
}

# Its bits beside Panama's; and what it is called for: cuDNN with sgemm, and products in bfloat16 beside kernels of ours.
section_jcuda() {
  engine=jcuda junit_section "${JCUDA_SECONDS:-140}" jcuda \
    "--select-class $package.backend.GpuBindingsTest" \
    "--select-class $package.backend.GpuContractTest\$FusedLossAndLibraryLayers" \
    "--select-class $package.backend.GpuContractTest\$FusedLayersInBfloat16"
}

train_java() {
  java_gpu "$1" -cp "$classpath:$console" "$package.train.$2" "${@:3}" 2>&1
}

section_runs() {
  train_java "${RUNS_SECONDS:-85}" RunBenchMain "$OUT/runs.csv" "${RUNS_MILLIS:-250}" 'kernels fused.*(tf32|bf16)'
}

section_rest() {
  train_java "${REST_SECONDS:-90}" RunBenchMain "$OUT/rest.csv" "${RUNS_MILLIS:-250}" 'kernels (unfused|eager)|fp32'
}

section_stages() { train_java "${STAGES_SECONDS:-50}" StageBenchMain "$OUT/stages.csv" "${STAGES_MILLIS:-25}"; }

section_steps() {
  local seconds=${STEPS_SECONDS:-100}
  if [[ -n $deadline ]]; then
    # The loss comes after these.
    local left=$((deadline - SECONDS - 50))
    ((seconds <= left)) || seconds=$((left > least ? left : least))
  fi
  limited $((seconds + 10)) python3 bench/peers/gpu_peers.py steps --commit "$(cat "$kit/commit")" \
    --batches "$step_batches" --cache "$compiled" --seconds "$seconds" --group-seconds "${STEPS_GROUP_SECONDS:-35}" | tee "$OUT/steps.jsonl"
  return "${PIPESTATUS[0]}"
}

section_layers() {
  limited "${LAYERS_SECONDS:-35}" python3 bench/peers/gpu_peers.py layers --commit "$(cat "$kit/commit")" | tee "$OUT/layers.jsonl"
  return "${PIPESTATUS[0]}"
}

section_train() { whole_runs "${TRAIN_SECONDS:-240}" ${SEEDS:+--seeds "$SEEDS"}; }

section_accuracy() {
  whole_runs "${ACCURACY_SECONDS:-150}" --at-once 4 --no-pytorch --seeds "${SEEDS:-42,43,44,45,46,47}"
}

# whole_runs SECONDS OPTION...
whole_runs() {
  local images=() limit=$1 status
  shift
  if [[ -f $kit/cifar10-jpeg.tar.xz ]] &&
    limited 60 python3 bench/cifar10_from_jpeg.py "$kit/cifar10-jpeg.tar.xz" "$work/images"; then
    images=(--data-dir "$work/images")
  else
    echo "no images: the synthetic set"
  fi
  limited "$limit" python3 bench/gpu_run.py "$OUT/gpu-run.csv" --jar "$kit/distill-cuda.jar" \
    --commit "$(cat "$kit/commit")" "${images[@]}" "$@"
  status=$?
  rm -rf "$work/images"
  return "$status"
}

# What PyTorch compiles takes longer than to time it: done beforehand it is found by peers and steps.
section_compile() {
  local seconds=${COMPILE_SECONDS:-130} pid pids=() status=0
  limited "$seconds" python3 bench/peers/gpu_peers.py loss >/dev/null &
  pids+=($!)
  limited "$seconds" python3 bench/peers/gpu_peers.py steps --modes 'compiled graph,compiled' --precisions tf32 \
    --batches "$step_batches" --cache "$compiled" --seconds $((seconds - 10)) >/dev/null &
  pids+=($!)
  for pid in "${pids[@]}"; do
    wait "$pid" || status=1
  done
  return "$status"
}

section_sanitizer() {
  local tool pids=() tools status=0
  read -ra tools <<<"${SANITIZER_TOOLS:-memcheck racecheck initcheck synccheck}"
  for tool in "${tools[@]}"; do
    sanitize "$tool" >"$OUT/$tool.out" 2>&1 &
    pids+=($!)
  done
  for tool in "${!tools[@]}"; do
    wait "${pids[tool]}" || status=1
    cat "$OUT/${tools[tool]}.out"
    rm "$OUT/${tools[tool]}.out"
  done
  return "$status"
}

# sanitize TOOL
sanitize() {
  local code log=$OUT/$1.log
  limited "${SANITIZER_SECONDS:-150}" compute-sanitizer --tool "$1" --target-processes all \
    --error-exitcode 86 --print-limit 20 \
    java -Xmx2g -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -Ddistill.gpu=true \
    -cp "$classpath:$console" $package.emulator.spec.SanitizedCases >"$log" 2>&1
  code=$?
  echo "$1: exit $code; $(grep -E 'ERROR SUMMARY|RACECHECK SUMMARY|cases' "$log" | tail -3 | tr '\n' ' ')"
  ((code == 0)) || grep -vE '^\s*$' "$log" | head -12 | cut -c1-300
  truncate --size '<3000000' "$log"
  return "$code"
}

# The eighth launch of each kernel: the first few compare the forms of the loss at few rows.
section_profile() {
  local status
  limited "${PROFILE_SECONDS:-60}" ncu --target-processes all --clock-control none --graph-profiling node \
    --kernel-id '::regex:fused|convolution|filter_gradient_partials|bias_gradient|adam:8' \
    --section SpeedOfLight --section SchedulerStats --section WarpStateStats --section Occupancy \
    --section LaunchStats --section MemoryWorkloadAnalysis --section InstructionStats --log-file "$OUT/profile.txt" \
    java -Xmx4g -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -Ddistill.gpu=true -cp "$classpath:$console" \
    $package.bench.DeviceBenchMain kernels "$OUT/profiled.csv" 1 \
    'loss \+ gradient fused.*rows=(65536|262144|1048576)' 'many channels.*images=64' 'its backward to.*images=64' \
    'filter gradient, first.*tf32.*images=64' 'convolution, bias.*images=64' 'bias gradient' 'Adam' >"$OUT/profile.log" 2>&1
  status=$?
  rm -f "$OUT/profiled.csv"
  tail -3 "$OUT/profile.log"
  grep -cE '^  [a-z_0-9]+ \(' "$OUT/profile.txt"
  return "$status"
}

section_table() {
  timeout 20 python3 bench/gpu_table.py "$OUT"
}

main "$@"
