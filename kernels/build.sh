#!/usr/bin/env bash
# Compiles kernels/*.cu to the PTX that is committed under kernels/ptx/<target>/.
#
#   kernels/build.sh           rebuild everything in place
#   kernels/build.sh --check   rebuild beside it and compare; assemble for every architecture; fail on
#                              a difference, a spill, or more registers than the table below allows
#
# PTX is stamped with the compiler's version and, one a line, the files of this folder that the compiler read
# for it and their hashes. Compilers differ in what they emit, so with another nvcc than the stamped one
# --check prints a notice and leaves it at that.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"

# What is built: source, target. bfloat16 and TF32 need compute_80 and clusters compute_90; all else is
# built once, for compute_75.
BUILDS='adam 75
convolution 80
convolution_block 75
convolution_block 80
distillation_loss_fused 75
distillation_loss_unfused 75
distillation_loss_unfused_wide 75
distillation_loss_unfused_wide 80
distillation_loss_wide 75
distillation_loss_wide 80
distillation_loss_wide 90
filter_gradient 75
filter_gradient_tensor_core 80
gather 75
gather 80
image_convolution 75
reduction 75
rounding 80
temperature_softmax 75
temperature_softmax_wide 75
temperature_softmax_wide 80
temperature_softmax_wide 90'

# Every architecture that the PTX is assembled for, from its own target up.
ARCHITECTURES='75 80 86 89 90 100 120'

# The lowest PTX ISA version that has what a target's kernels use: older drivers accept it too.
ptx_version() {
  case $1 in 75) echo 7.0 ;; 80) echo 7.4 ;; 90) echo 8.0 ;; esac
}

# Registers a thread, at most. With blocks of 128 threads an SM of 64 Ki registers holds 8 blocks at
# 64 registers, 5 at 96 and 3 at 168; rows of 1,024 classes live in registers and need few warps. Blocks of
# 256 threads, whose filters or sums live in registers, run two at a time up to 128.
register_ceiling() {
  case $1 in
    distillation_loss*_c1024_*) echo 168 ;;
    filter_gradient_sum*) echo 64 ;;
    filter_gradient_*_tf32_*) echo 128 ;;
    image_convolution_* | filter_gradient_*) echo 112 ;;
    convolution_pool_*) echo 128 ;;
    *_c1024_* | distillation_loss*_c128_* | distillation_loss*_c256_*) echo 96 ;;
    *) echo 64 ;;
  esac
}

# No contraction and no fast math: outside of the approximate instructions within expf and logf every
# result is the same bits on every device. -lineinfo names the source line in tools and in faults; the
# names of inlined functions go, since nvcc mangles the checkout's path into them.
compile() {  # source target output
  nvcc -ptx -arch="compute_$2" -std=c++17 -fmad=false -lineinfo -Werror all-warnings \
    -MMD -MF "$3.read" "$1.cu" -o "$3.raw"
  {
    echo "// nvcc $nvcc_version"
    # NVIDIA's headers, which are listed too, have a path before their name.
    grep -oE ' \w+\.cuh?\b' "$3.read" | xargs sha256sum | sed 's|^|// sha256 |'
    sed -e "s/^\.version .*/.version $(ptx_version "$2")/" \
        -e '/^\t\.file/s|"/.*/include/|"cuda/include/|' \
        -e '/^\t\.file/s|"/.*/|"kernels/|' \
        -e '/^\t\.loc/s/, function_name.*//' -e '/^\t\.section\t\.debug_str/,/^\t}/d' "$3.raw"
  } > "$3"
  rm "$3.raw" "$3.read"
}

assemble() {  # ptx target
  for architecture in $ARCHITECTURES; do
    ((architecture >= $2)) || continue
    log=$(ptxas -v -arch="sm_$architecture" "$1" -o /dev/null 2>&1) || fail "$log"
    sed -nE "s/.*entry function '([^']+)'.*/kernel \1/p
             s/.* ([0-9]+) bytes spill stores.*/spill \1/p
             s/.*Used ([0-9]+) registers.*/registers \1/p" <<< "$log" |
      while read -r what value; do
        case $what in
          kernel) kernel=$value ;;
          spill) ((value == 0)) || fail "$kernel spills $value bytes on sm_$architecture" ;;
          registers) ((value <= $(register_ceiling "$kernel"))) ||
            fail "$kernel uses $value registers on sm_$architecture" ;;
        esac
      done
  done
}

check() {  # source target
  committed=ptx/compute_$2/$1.ptx
  stamped=$(sed -n 's|^// nvcc ||p' "$committed")
  if [ "$stamped" = "$nvcc_version" ]; then
    compile "$1" "$2" "$rebuilt/$1.$2"
    cmp -s "$committed" "$rebuilt/$1.$2" || fail "$committed is not what its sources give"
  else
    echo "notice: $committed is of nvcc $stamped, this is $nvcc_version: not compared"
  fi
  assemble "$committed" "$2"
}

fail() {
  echo "kernels/build.sh: $1" >&2
  exit 1
}

nvcc_version=$(nvcc --version | sed -n 's/.*, V\([0-9.]*\)$/\1/p')
case ${1-} in
  '')
    echo "$BUILDS" | while read -r source target; do
      mkdir -p "ptx/compute_$target"
      compile "$source" "$target" "ptx/compute_$target/$source.ptx"
    done
    ;;
  --check)
    rebuilt=$(mktemp -d)
    trap 'rm -r "$rebuilt"' EXIT
    free=$(nproc)
    checks=()
    while read -r source target; do
      ((free > 0)) && free=$((free - 1)) || wait -n || true  # each has its say below
      check "$source" "$target" &
      checks+=($!)
    done <<< "$BUILDS"
    for pid in "${checks[@]}"; do wait "$pid"; done  # which ends this script if that file failed
    echo "kernels/ptx assembles for sm_${ARCHITECTURES// /, sm_} without spills"
    ;;
  *)
    fail 'usage: build.sh [--check]'
    ;;
esac
