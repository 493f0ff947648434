#!/bin/bash
# Damages 100,000 files of each format and reads them: archives, pickles, safetensors, checkpoints;
# batches in both layouts and tars. CI does 5,000. Needs Maven; a count may be given.
set -euo pipefail
cd "$(dirname "$0")/../.."
mvn -B -ntp test -Dtest='ModelFilesFuzzTest,HostileDataTest' -Ddistill.fuzz="${1:-100000}"
