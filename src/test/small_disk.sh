#!/bin/bash
# Fills a disk of 1 MiB and writes model files to it. Needs Maven and the right to mount (root, or
# unprivileged user namespaces); the disk is gone when the script ends.
set -euo pipefail
cd "$(dirname "$0")/../.."
disk=$(mktemp -d)
trap 'rmdir "$disk"' EXIT
unshare -rm bash -euc 'mount -t tmpfs -o size=1m tmpfs "$1"
  mvn -B -ntp test -Dtest=AtomicFileTest -Ddistill.smallDisk="$1"' bash "$disk"
