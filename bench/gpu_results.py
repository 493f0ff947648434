#!/usr/bin/env python3
"""Appends what bench/run-gpu.sh left in a folder to bench/results; then run java src/build/BenchTables.java.

    python3 bench/gpu_results.py FOLDER [--allow-dirty]

kernels.csv, wide.csv, runs.csv, rest.csv, stages.csv and gpu-run.csv are rows already; peers.jsonl, steps.jsonl and
layers.jsonl are PyTorch's side of the loss, of the step and of its layers. What was measured is what the rows say: the
commit is the one that the kit was packed of. Everything is read before anything is written: a line that a time limit
cut off is named and left out, rows that are there already or are of an uncommitted change are refused.
"""
import argparse, csv, io, json, os, pathlib, sys

COMMON = ['date', 'commit', 'device', 'driver', 'versions']
LOSS_PEERS = COMMON + ['bench', 'mode', 'rows', 'classes', 'cache', 'n', 'p10_us', 'p50_us', 'p90_us', 'floor_bytes', 'gbps',
                       'error']
STEP_PEERS = COMMON + ['mode', 'layout', 'precision', 'teacher', 'batch', 'n', 'p10_us', 'p50_us', 'p90_us', 'ten_epochs_s',
                       'error']
LAYER_PEERS = COMMON + ['network', 'layer', 'direction', 'layout', 'precision', 'batch', 'n', 'p10_us', 'p50_us', 'p90_us',
                        'error']
OURS = [('kernels.csv', 'gpu-kernels.csv'), ('wide.csv', 'gpu-kernels.csv'), ('runs.csv', 'gpu-runs.csv'),
        ('rest.csv', 'gpu-runs.csv'), ('stages.csv', 'gpu-stages.csv'), ('gpu-run.csv', 'gpu-run.csv')]
PEERS = [('peers.jsonl', 'gpu-loss-peers.csv', LOSS_PEERS), ('steps.jsonl', 'gpu-step-peers.csv', STEP_PEERS),
         ('layers.jsonl', 'gpu-layer-peers.csv', LAYER_PEERS)]


def refuse(reason):
    raise SystemExit(f'error: {reason}; nothing was appended')


def skipped(path, number, line):
    print(f'{path.name} line {number} is cut off and left out: {line[:60]}', file=sys.stderr)


def csv_rows(path):
    """Columns and rows; a row that lacks its end, or a column, is left out."""
    if not path.exists():
        return [], []
    text = path.read_text()
    lines = text.splitlines()
    if not lines or (len(lines) == 1 and not text.endswith('\n')):
        return [], []
    columns, rows = next(csv.reader(lines[:1])), []
    for number, line in enumerate(lines[1:], 2):
        cells = next(csv.reader([line]), [])
        if len(cells) != len(columns) or (number == len(lines) and not text.endswith('\n')):
            skipped(path, number, line)
        else:
            rows.append(dict(zip(columns, cells)))
    return columns, rows


def json_rows(path):
    rows = []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        if line.startswith('{'):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                skipped(path, number, line)
    return rows


def peer_rows(path, columns):
    """PyTorch's rows with what the first line says of all of them."""
    rows = json_rows(path)
    where = next((row for row in rows if row.get('bench') == 'provenance'), None)
    # What the time did not suffice for was not measured.
    rows = [row for row in rows if row is not where and ' s were left of ' not in row.get('error', '')]
    if rows and where is None:
        refuse(f'{path} does not say in its first line where it was measured')
    found = []
    for row in rows:
        row = dict(row, **{name: where[name] for name in COMMON}, p10_us=row.get('p10', ''), p50_us=row.get('us', ''),
                   p90_us=row.get('p90', ''))
        if 'cached' in row:
            row['teacher'] = 'cached' if row['cached'] else 'recomputed'
        found.append({name: str(row.get(name, '')) for name in columns})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--allow-dirty', action='store_true', help='take rows of a checkout with uncommitted changes')
    parser.add_argument('--results', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / 'results')
    options = parser.parse_args()
    new = {}  # columns and rows by file
    for source, target in OURS:
        columns, rows = csv_rows(options.folder / source)
        if rows:
            known, _ = new.setdefault(target, (columns, []))
            if known != columns:
                refuse(f'{options.folder / source} has the columns {columns}, not {known}')
            new[target][1].extend(rows)
    for source, target, columns in PEERS:
        rows = peer_rows(options.folder / source, columns)
        if rows:
            new[target] = (columns, rows)
    if not new:
        refuse(f'no rows in {options.folder}')
    texts = {}
    for name, (columns, rows) in new.items():
        for commit in sorted({row['commit'] for row in rows}):
            if not commit or commit == 'unknown':
                refuse(f'rows for {name} do not say of which commit they are')
            if commit.endswith('-dirty') and not options.allow_dirty:
                refuse(f'rows for {name} are of {commit}, which nobody can check out: commit, pack and measure again, or'
                       f' --allow-dirty')
        path = options.results / name
        before = path.read_text() if path.exists() else ','.join(columns) + '\n'
        known, there = next(csv.reader([before.splitlines()[0]])), list(csv.DictReader(io.StringIO(before)))
        if known != columns:
            refuse(f'{path} has the columns {known}, these rows {columns}')
        same = {tuple(row.values()) for row in there} & {tuple(row.values()) for row in rows}
        if same:
            refuse(f'{len(same)} of these rows are in {path} already, such as {",".join(min(same))[:120]}')
        text = io.StringIO()
        csv.DictWriter(text, columns, lineterminator='\n').writerows(rows)
        texts[path] = before + text.getvalue()
    for path, text in texts.items():
        path.with_suffix('.new').write_text(text)
    for path in texts:
        os.replace(path.with_suffix('.new'), path)
        print(f'{len(new[path.name][1])} rows to {path.name}')


if __name__ == '__main__':
    main()
