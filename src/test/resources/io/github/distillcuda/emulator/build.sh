#!/bin/sh
# Rebuilds the PTX of the emulator's own tests from the .cu beside it; needs nvcc 13.0.
# The tests read the committed PTX, so they need no nvcc.
set -eu
cd "$(dirname "$0")"
for source in *.cu; do
  case $source in clusters.cu) target=90 ;; *) target=75 ;; esac
  nvcc -ptx -arch=compute_$target -lineinfo -fmad=false "$source" -o "${source%.cu}.ptx"
  # nvcc writes absolute paths: keep the file names only.
  sed -i -E 's|(\.file[[:space:]]+[0-9]+ )".*/|\1"|' "${source%.cu}.ptx"
done
