#!/usr/bin/env python3
"""Writes the golden files: what PyTorch computes in float64, which every backend is compared with.

    python3 make_golden.py            writes ../resources/golden/golden.json and golden.bin
    python3 make_golden.py --check    exit 1 unless the committed files have the bytes it would write

Needs torch (a CPU build) and numpy; mpmath comes with torch. The versions that golden.json names
give the same bytes again.

golden.json says what the cases are. golden.bin holds the numbers, little-endian, each array where
"arrays" in golden.json says. Weights, images, labels and logits are not stored: golden_hash.py and
GoldenHash.java compute them.
"""
import os

# One order of summation, whatever vector instructions the machine has.
os.environ['MKL_CBWR'] = 'COMPATIBLE'
os.environ['ATEN_CPU_CAPABILITY'] = 'default'

import json
import math
import pathlib
import sys

import mpmath
import numpy as np
import torch

sys.dont_write_bytecode = True

import golden_hash
import golden_layers
import golden_losses
import golden_run
import golden_training

FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'resources' / 'golden'
LARGEST = 1_000_000


class Golden:
    """The index and the numbers under construction."""

    def __init__(self):
        self.index = dict(versions=dict(torch=torch.__version__, numpy=np.__version__, mpmath=mpmath.__version__))
        self.arrays, self.blob = {}, bytearray()

    def add(self, name, values, dtype='float64'):
        array = np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder('<'))
        self.arrays[name] = dict(dtype=dtype, shape=list(array.shape), offset=len(self.blob))
        self.blob += array.tobytes()
        self.blob += bytes(-len(self.blob) % 8)

    def known_hash(self, seed):
        values = [f'{h:016x}' for h in golden_hash.hash64(seed, 3)]
        self.index.setdefault('hash', []).append(dict(seed=seed, values=values))

    def files(self):
        sections = dict(self.index, arrays=self.arrays)
        text = ',\n'.join(f'{json.dumps(name)}: {lines(section)}' for name, section in sections.items())
        return {'golden.json': f'{{\n{text}\n}}\n'.encode(), 'golden.bin': bytes(self.blob)}


def lines(section):
    """A section as JSON with a line for each entry."""
    if isinstance(section, dict):
        return '{\n' + ',\n'.join(f'  {json.dumps(key)}: {line(value)}' for key, value in section.items()) + '\n}'
    if isinstance(section, list):
        return '[\n' + ',\n'.join(f'  {line(value)}' for value in section) + '\n]'
    return line(section)


def line(value):
    """JSON, which lacks NaN and infinities: they become the strings that Java parses."""
    def plain(x):
        if isinstance(x, float) and not math.isfinite(x):
            return 'NaN' if math.isnan(x) else 'Infinity' if x > 0 else '-Infinity'
        if isinstance(x, dict): return {key: plain(a) for key, a in x.items()}
        return [plain(a) for a in x] if isinstance(x, (list, tuple)) else x
    return json.dumps(plain(value), allow_nan=False)


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    mpmath.mp.dps = 60
    golden = Golden()
    for seed in (0, 1, 12345): golden.known_hash(seed)
    for part in (golden_losses, golden_layers, golden_training, golden_run): part.add_to(golden)
    files = golden.files()
    size = sum(map(len, files.values()))
    assert size < LARGEST, size
    print({name: len(content) for name, content in files.items()})
    if '--check' in sys.argv[1:]:
        changed = [name for name, content in files.items() if (FOLDER / name).read_bytes() != content]
        sys.exit(f'not what was committed: {", ".join(changed)}' if changed else 0)
    for name, content in files.items(): (FOLDER / name).write_bytes(content)


if __name__ == '__main__':
    main()
