"""Kills runs of the finished program with SIGKILL at random moments, resumes each until it is done,
and compares what it leaves with the run that nobody killed, bit for bit.

Usage: python3 kill_torture.py [--runs 100] [--jar target/distill-cuda.jar] [-- OPTIONS OF THE PROGRAM]

Needs nothing but Python and the jar; `-- --device cuda` does it on a GPU. A kill falls at a random
moment since the start of the process, or, every other time, into the nth save that is seen, by its
temporary file. A run that was done before its first kill is not counted and begun anew.
Says after each run what the kills so far fell into. Ends with a line of counts and status 0, or 1 at
the first run that differs.
"""

import argparse
import collections
import contextlib
import csv
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SMALL = (
    "--data synthetic --subset 320 --teacher-widths 2,4,128 --student-widths 2,4,64 --batch-size 32"
    " --teacher-epochs 1 --epochs 2 --no-baseline --device cpu --threads 1"
).split()
MOST_KILLS = 2  # of one run
SAVES = 13  # about as many has a run: settings, history, checkpoints, models, metrics


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


def being_written(folder):
    """The temporary file that is there; after a death, was there. Or None."""
    for place in (folder, folder / "checkpoint"):
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(place):
                # "space" is no save: it shows early whether a checkpoint would find room.
                if name.endswith(".tmp") and not name.startswith("space."):
                    return name
    return None


def finish(command, folder):
    process = start(command, folder)
    output = process.communicate()[0].decode()
    if process.returncode != 0 or not is_done(folder):
        sys.exit(f"{folder}: ended with {process.returncode}:\n{output}")


def kill_at_random(command, folder, seconds):
    """Returns what the kill hit; or None where the run was faster."""
    resumed = (folder / "config.json").exists()
    process = start(command, folder)
    moment = time.monotonic() + random.uniform(0, seconds)
    saves = random.randint(1, SAVES) if random.random() < 0.5 else None
    seen = {None}
    while process.poll() is None:
        if saves:
            seen.add(being_written(folder))
        if len(seen) > saves if saves else time.monotonic() > moment:
            break
        time.sleep(0.001)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    said = process.communicate()[0].decode(errors="replace")
    if process.returncode == 0:
        return None
    if process.returncode != -signal.SIGKILL:
        sys.exit(f"{folder}: ended by itself with {process.returncode}:\n{said}")
    return what_was_hit(being_written(folder), said, resumed)


def what_was_hit(written, said, resumed):
    if written is not None:
        return "save of *" + pathlib.Path(written[: -len(".0123456789abcdef.tmp")]).suffix
    for model in ("student", "teacher"):
        if f"\n{model}: " in said:
            return f"{model} in training"
    return "resumed start" if resumed else "first start"


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


def torture(command, folder, seconds):
    """Returns what the kills hit; the run is done then."""
    hits = []
    while not hits:
        shutil.rmtree(folder, ignore_errors=True)
        for _ in range(random.randint(1, MOST_KILLS)):
            if not is_done(folder):
                hits.append(kill_at_random(command, folder, seconds))
        hits = [hit for hit in hits if hit]
    if not is_done(folder):
        finish(command, folder)
    return hits


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
    hits = collections.Counter()
    with tempfile.TemporaryDirectory() as work:
        whole = pathlib.Path(work, "whole")
        begin = time.monotonic()
        finish(command, whole)
        seconds = time.monotonic() - begin
        expected = results(whole)
        for run in range(arguments.runs):
            folder = pathlib.Path(work, f"run{run}")
            hits.update(torture(command, folder, seconds))
            left = results(folder)
            if left != expected:
                differing = [name for name in expected if left.get(name) != expected[name]]
                sys.exit(f"run {run} of seed {arguments.seed} differs in {', '.join(differing)}")
            shutil.rmtree(folder)
            so_far = ", ".join(f"{count} {hit}" for hit, count in sorted(hits.items()))
            print(f"run {run + 1}: same bits; kills so far: {so_far}", flush=True)
    in_saves = sum(count for hit, count in hits.items() if hit.startswith("save"))
    print(
        f"{arguments.runs} runs, {hits.total()} kills, {in_saves} in a save: all the same bits;"
        f" {(time.monotonic() - begin) / 60:.0f} minutes"
    )


if __name__ == "__main__":
    main()
