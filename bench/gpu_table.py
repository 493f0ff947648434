#!/usr/bin/env python3
"""The short table of a call of run-gpu.sh: ceilings, the loss in its forms beside PyTorch's, steps and stages.

    python3 bench/gpu_table.py FOLDER
"""
import csv, json, pathlib, re, sys

FOLDER = pathlib.Path(sys.argv[1])


def csv_rows(name):
    """Without what a time limit cut off."""
    path = FOLDER / name
    return [row for row in csv.DictReader(path.open()) if None not in row.values()] if path.exists() else []


def json_rows(name):
    rows = []
    for line in (FOLDER / name).open() if (FOLDER / name).exists() else ():
        try:
            rows += [json.loads(line)] if line.startswith('{') else []
        except json.JSONDecodeError:
            print(f'{name}: cut off: {line[:60]}')
    return rows


def main():
    kernels, peers = csv_rows('kernels.csv'), json_rows('peers.jsonl')
    for row in (kernels or csv_rows('ceilings.csv')):
        if row['operation'] == 'ceiling':
            print(f"{row['variant']:20} {float(row['p50_us']):12.3f} us {row['gbps']:>8} GB/s")
    losses = {}
    for row in kernels:
        if row['operation'].startswith('distillation loss + gradient'):
            # The chains' first launch may count elements only: the fused row of the same floor has the shape.
            losses.setdefault((int(row['floor_bytes']), row['cache']), {})[row['variant']] = row
    for (floor, cache), forms in losses.items():
        fused = next((row for name, row in forms.items() if name == 'fused'), None)
        if not fused:
            continue
        rows, classes = (int(re.search(name + r'=(\d+)', fused['sizes']).group(1)) for name in ('rows', 'classes'))
        base = float(fused['p50_us'])
        line = [f"{rows}x{classes} {cache}: fused {base:.2f} us, {fused['gbps']} GB/s, {fused['percent_of_copy']} % of copy"]
        line += [f"{name} {float(row['p50_us']) / base:.2f}x" for name, row in forms.items() if name != 'fused']
        line += [f"PyTorch {row['mode']} {row['us'] / base:.2f}x" for row in peers
                 if (row.get('rows'), row.get('classes'), row.get('cache')) == (rows, classes, cache) and 'us' in row]
        print('; '.join(line))
    steps = {}
    for row in csv_rows('stages.csv'):
        key = ' '.join(row[name] for name in ('layers', 'kernels', 'precision', 'teacher', 'batch'))
        steps.setdefault(key, []).append(row)
    for key, (step, *stages) in steps.items():
        total = lambda column: sum(float(row[column]) for row in stages)
        print(f"{key}: step {float(step['p50_us']):.1f} us, {len(stages)} stages {total('p50_us'):.1f} us, floors {total('floor_us'):.1f} us")
    for row in json_rows('steps.jsonl'):
        if 'us' in row:
            print(f"PyTorch step {row['mode']} {row['precision']} {row['layout']} batch {row['batch']} {'cached' if row['cached'] else 'recomputed'}: "
                  f"{row['us']:.1f} us, ten epochs {row['ten_epochs_s']} s")


if __name__ == '__main__':
    main()
