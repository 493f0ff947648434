"""Kills runs of the finished program with SIGKILL at random moments, resumes each until it is done,
and compares what it leaves with the run that nobody killed, bit for bit.

Usage: python3 kill_torture.py [--runs 100] [--jar target/distill-cuda.jar] [-- OPTIONS OF THE PROGRAM]

Needs nothing but Python and the jar; `-- --device cuda` does it on a GPU. A kill falls at a random
moment since the start of the process, or, every other time, into a save: when a temporary file is
seen. Ends with a line of counts and status 0, or 1 at the first run that differs.
"""

import argparse
import contextlib
import csv
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

SMALL = (
    "--data synthetic --subset 320 --teacher-widths 4,6,128 --student-widths 4,6,64 --batch-size 32"
    " --teacher-epochs 1 --epochs 3 --no-baseline --device cpu --threads 1"
).split()
MOST_KILLS = 2  # of one run


def start(command, folder):
    begun = (folder / "config.json").exists()
    return subprocess.Popen(
        command + (["--resume", folder] if begun else ["--out", folder]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # behind a launcher there are two processes to kill
    )


def is_done(folder):
    return (folder / "metrics.json").exists()


def is_saving(folder):
    """Whether a file is being written; after a death, whether one was."""
    return any(folder.glob("*.tmp")) or any(folder.glob("checkpoint/*.tmp"))


def finish(command, folder):
    process = start(command, folder)
    output = process.communicate()[0].decode()
    if process.returncode != 0 or not is_done(folder):
        sys.exit(f"{folder}: ended with {process.returncode}:\n{output}")


def kill_at_random(command, folder, seconds):
    """Returns what the kill hit: a save, training, the start; or None where the run was faster."""
    process = start(command, folder)
    begin = time.monotonic()
    moment = begin + random.uniform(0, seconds)
    in_save = random.random() < 0.5
    while process.poll() is None:
        if time.monotonic() > moment and (not in_save or is_saving(folder)):
            break
        time.sleep(0.0005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    if process.returncode == 0:
        return None
    if process.returncode != -signal.SIGKILL:
        sys.exit(f"{folder}: ended by itself with {process.returncode}")
    if is_saving(folder):
        return "save"
    return "training" if (folder / "config.json").exists() else "start"


def results(folder):
    """What a run leaves, but for times."""
    left = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if file.suffix in (".safetensors", ".pth")
    }
    with open(folder / "history.csv", newline="") as rows:
        left["history.csv"] = [row[:-2] for row in csv.reader(rows)]
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["totalSeconds"]
    for model in metrics["models"].values():
        model.pop("trainSeconds", None)
    left["metrics.json"] = metrics
    assert left["student.safetensors"] and left["student.pth"]
    return left


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--jar", default="target/distill-cuda.jar")
    parser.add_argument("--java", default="java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("options", nargs="*")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    command = [*arguments.java.split(), "-jar", arguments.jar, "run", *SMALL, *arguments.options]
    hits = {"save": 0, "training": 0, "start": 0}
    with tempfile.TemporaryDirectory() as work:
        whole = pathlib.Path(work, "whole")
        begin = time.monotonic()
        finish(command, whole)
        seconds = time.monotonic() - begin
        expected = results(whole)
        for run in range(arguments.runs):
            folder = pathlib.Path(work, f"run{run}")
            for _ in range(random.randint(1, MOST_KILLS)):
                hit = None if is_done(folder) else kill_at_random(command, folder, seconds)
                if hit is not None:
                    hits[hit] += 1
            if not is_done(folder):
                finish(command, folder)
            left = results(folder)
            if left != expected:
                differing = [name for name in expected if left.get(name) != expected[name]]
                sys.exit(f"run {run} of seed {arguments.seed} differs in {', '.join(differing)}")
            print(f"run {run + 1}: same bits; kills so far: {hits}", flush=True)
    print(f"{arguments.runs} runs, {sum(hits.values())} kills {hits}: all the same bits")


if __name__ == "__main__":
    main()
