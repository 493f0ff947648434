#!/usr/bin/env bash
# Packs what a machine with a GPU but without Java, Maven or network needs into the ignored folder .gpu/,
# for bench/run-gpu.sh there. The checkout itself travels too. Needs Maven, a JDK 25 and the compiled tests.
#
#   [DISTILL_IMAGES=cifar10-jpeg.tar.xz] bench/pack-gpu.sh [MAVEN-OPTIONS]      such as -o
set -euo pipefail
cd "$(dirname "$0")/.."
readonly kit=.gpu
# What travels at the most, the checkout with it.
readonly limit_mib=64
readonly junit=1.14.4 assertj=3.27.7

mvn "$@" -B -ntp -q -DskipTests -Dmaven.javadoc.skip=true -Dmaven.source.skip=true package

mkdir -p "$kit"
cp target/distill-cuda-slim.jar "$kit/distill-cuda.jar"

find_jdk() {
  local home
  for home in "${DISTILL_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    if [[ -x $home/bin/jlink ]] && grep -q '^JAVA_VERSION="25' "$home/release" 2>/dev/null; then
      echo "$home"
      return
    fi
  done
  echo "pack-gpu.sh: no JDK 25 with jlink found; set DISTILL_JAVA_HOME" >&2
  return 1
}

jdk=$(find_jdk)
"$jdk/bin/jar" --create --file "$kit/tests.jar" -C target/test-classes .

# Takes a minute, and does not change with the checkout.
if [[ ! -f $kit/jre25.tar.xz ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # Not compressed: xz does better than zip, and nothing with what zip was at before.
  "$jdk/bin/jlink" --output "$work/jre25" --strip-debug --no-man-pages --no-header-files --compress zip-0 \
    --add-modules java.base,java.logging,java.management,java.net.http,java.xml,jdk.management,jdk.unsupported,jdk.zipfs
  XZ_OPT=-9 tar -cJf "$work/jre25.tar.xz" -C "$work" jre25
  mv "$work/jre25.tar.xz" "$kit/"
fi

for artifact in "org.junit.platform:junit-platform-console-standalone:$junit" "org.assertj:assertj-core:$assertj"; do
  mvn "$@" -B -ntp -q dependency:copy -Dartifact="$artifact" -DoutputDirectory="$kit" -Dmdep.stripVersion=true
done
[[ -z ${DISTILL_IMAGES:-} ]] || cp "$DISTILL_IMAGES" "$kit/cifar10-jpeg.tar.xz"
git describe --always --dirty --abbrev=12 >"$kit/commit"
[[ $(cat "$kit/commit") != *-dirty ]] ||
  echo "pack-gpu.sh: uncommitted changes are packed: bench/gpu_results.py will refuse the rows" >&2

ls -l "$kit"
size=$({
  git ls-files -z --cached --others --exclude-standard
  printf '%s\0' "$kit"/*
} | du -cbL --files0-from=- | awk 'END { print int($1 / 1048576) + 1 }')
((size <= limit_mib)) || {
  echo "pack-gpu.sh: checkout and $kit have $size MiB, at most $limit_mib travel" >&2
  exit 1
}
