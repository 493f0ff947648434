#!/usr/bin/env python3
"""Appends what bench/run-gpu.sh left in a folder to bench/results; then run java src/build/BenchTables.java.

    python3 bench/gpu_results.py FOLDER --commit COMMIT [--torch 'torch 2.11.0+cu130 cuDNN 9.19.0']

kernels.csv, wide.csv, runs.csv, stages.csv and gpu-run.csv are rows already; peers.jsonl, steps.jsonl and layers.jsonl are
PyTorch's side of the loss, of the step and of its layers. Device, driver and date of those come from the rows of
distill-cuda of the same call.
"""
import argparse, csv, json, pathlib

RESULTS = pathlib.Path(__file__).resolve().parent / 'results'
LOSS_PEERS = ['date', 'commit', 'device', 'driver', 'versions', 'bench', 'mode', 'rows', 'classes', 'cache', 'n',
              'p10_us', 'p50_us', 'p90_us', 'floor_bytes', 'gbps', 'error']
STEP_PEERS = ['date', 'commit', 'device', 'driver', 'versions', 'mode', 'layout', 'precision', 'teacher', 'batch', 'n',
              'p10_us', 'p50_us', 'p90_us', 'ten_epochs_s', 'error']
LAYER_PEERS = ['date', 'commit', 'device', 'driver', 'versions', 'network', 'layer', 'direction', 'layout', 'precision',
               'batch', 'n', 'p10_us', 'p50_us', 'p90_us', 'error']


def csv_rows(path):
    return list(csv.DictReader(open(path, newline=''))) if path.exists() else []


def json_rows(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.startswith('{')]


def append(name, columns, rows):
    """Rows of an earlier version of the columns stay readable: the file says its own."""
    if not rows:
        return
    path = RESULTS / name
    columns = columns or list(rows[0])
    if path.exists():
        known = next(csv.reader(open(path, newline='')))
        if known != columns:
            raise SystemExit(f'error: {path} has the columns {known}, these rows {columns}')
    new = not path.exists()
    with open(path, 'a', newline='') as out:
        writer = csv.DictWriter(out, columns, restval='', extrasaction='ignore', lineterminator='\n')
        if new:
            writer.writeheader()
        writer.writerows(rows)
    print(f'{len(rows)} rows to {path.name}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--commit', required=True, help='what was measured')
    parser.add_argument('--torch', default='', help='versions of PyTorch and its libraries')
    options = parser.parse_args()
    ours = [(name, csv_rows(options.folder / file)) for name, file in
            (('gpu-kernels.csv', 'kernels.csv'), ('gpu-kernels.csv', 'wide.csv'), ('gpu-runs.csv', 'runs.csv'),
             ('gpu-stages.csv', 'stages.csv'), ('gpu-run.csv', 'gpu-run.csv'))]
    for name, rows in ours:
        append(name, None, [dict(row, commit=options.commit) for row in rows])
    first = next((rows[0] for _, rows in ours if rows), None)
    if first is None:
        raise SystemExit(f'error: no rows of distill-cuda in {options.folder}')
    common = dict(date=first['date'], commit=options.commit, device=first['device'], driver=first['driver'],
                  versions=options.torch)
    timed = lambda row: dict(row, **common, p10_us=row.get('p10', ''), p50_us=row.get('us', ''),
                             p90_us=row.get('p90', ''))
    append('gpu-loss-peers.csv', LOSS_PEERS, [timed(row) for row in json_rows(options.folder / 'peers.jsonl')])
    append('gpu-step-peers.csv', STEP_PEERS, [dict(timed(row), teacher='cached' if row['cached'] else 'recomputed')
                                              for row in json_rows(options.folder / 'steps.jsonl')])
    append('gpu-layer-peers.csv', LAYER_PEERS, [timed(row) for row in json_rows(options.folder / 'layers.jsonl')])


if __name__ == '__main__':
    main()
