#!/usr/bin/env python3
"""Whole runs on a GPU: accuracy by precision and seed, time, and whether two runs give the same bits.

Each run is the program's own `--T 5` as a process, everything at its default but what the row says; and
PyTorch's training in channels-last with the same seed numbers. A row a model, as they come. With --at-once several
runs share the GPU: their accuracies and bits are what they are alone, their times mean nothing and are left out.

    python3 bench/gpu_run.py FILE.csv --jar distill-cuda.jar [--data-dir DIR] [--seeds 42,43,44] [--device cuda]
"""
import argparse, concurrent.futures, csv, datetime, hashlib, json, pathlib, re, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = ['date', 'commit', 'device', 'driver', 'data', 'side', 'precision', 'layers', 'kernels', 'seed', 'epochs',
           'model', 'best', 'last', 'agreement', 'train_seconds', 'process_seconds', 'weights']
# The first twice: the same bits?
VARIANTS = [('tf32', 'fused', 'fused'), ('fp32', 'fused', 'fused'), ('tf32', 'cudnn', 'fused'),
            ('bf16', 'fused', 'fused')]


def run_ours(options, variant, seed):
    precision, layers, kernels = variant
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'run'
        start = time.perf_counter()
        command = [options.java, '-jar', options.jar, '--T', '5', '--seed', str(seed), '--epochs', str(options.epochs),
                   '--teacher-epochs', str(options.epochs), '--out', str(out), '--quiet', '--no-download',
                   '--device', options.device]
        if options.device.startswith('cuda'):
            command += ['--precision', precision, '--layers', layers, '--kernels', kernels]
        command += ['--data-dir', options.data_dir] if options.data_dir else ['--data', 'synthetic']
        command += ['--subset', str(options.subset)] if options.subset else []
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=options.limit)
        seconds = time.perf_counter() - start
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ['no message']
            raise RuntimeError(f'exit {done.returncode}: {last[0][:300]}')
        metrics = json.load(open(out / 'metrics.json'))
        weights = {name: hashlib.sha256((out / f'{name}.safetensors').read_bytes()).hexdigest()[:16]
                   for name in metrics['models'] if (out / f'{name}.safetensors').exists()}
    common = dict(device=metrics['device'], data=metrics['dataset']['name'], precision=metrics['precision'],
                  layers=metrics['layers'], kernels=metrics['kernels'], process_seconds=round(seconds, 2))
    return [dict(common, model=name, best=m['bestTestAccuracy'], last=m['lastTestAccuracy'],
                 agreement=m.get('agreementWithTeacher', ''), train_seconds=round(m['trainSeconds'], 3),
                 weights=weights.get(name, '')) for name, m in metrics['models'].items()]


def run_pytorch(options, seed):
    start = time.perf_counter()
    done = subprocess.run([sys.executable, str(ROOT / 'bench/peers/pytorch_reference.py'), 'train', '--data',
                           options.data_dir, '--seed', str(seed), '--epochs', str(options.epochs), '--teacher-epochs',
                           str(options.epochs), '--channels-last'], stdout=subprocess.PIPE, text=True, timeout=options.limit)
    if done.returncode:
        raise RuntimeError(f'exit {done.returncode}')
    seconds, epochs = time.perf_counter() - start, {}
    for line in done.stdout.splitlines():
        if line.startswith('{'):
            row = json.loads(line)
            epochs.setdefault(row['model'], []).append(row)
    return [dict(device='', data='same folder', precision='torch default', process_seconds=round(seconds, 2), model=name,
                 best=max(r['test'] for r in rows), last=rows[-1]['test'],
                 train_seconds=round(sum(r['seconds'] for r in rows), 3)) for name, rows in epochs.items()]


def driver():
    try:
        return re.search(r'\d+\.\d+(\.\d+)?', open('/proc/driver/nvidia/version').read()).group()
    except (OSError, AttributeError):
        return 'unknown'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file')
    parser.add_argument('--jar', required=True)
    parser.add_argument('--data-dir')
    parser.add_argument('--seeds', default='42,43,44')
    parser.add_argument('--epochs', type=int, default=10)
    parser.add_argument('--subset', type=int)
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--java', default='java')
    parser.add_argument('--commit', default='unknown')
    parser.add_argument('--limit', type=int, default=90, help='seconds of one run')
    parser.add_argument('--no-pytorch', action='store_true')
    parser.add_argument('--at-once', type=int, default=1, help='runs that share the GPU, without times')
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(',')]
    # A time limit may end it: every variant, PyTorch too, before the next seed.
    runs = [('distill-cuda', VARIANTS[0], seeds[0])]
    for seed in seeds:
        runs += [('distill-cuda', variant, seed) for variant in VARIANTS]
        if seed == seeds[0] and options.data_dir and not options.no_pytorch:
            runs += [('pytorch', None, seed)]
    common = dict(date=datetime.date.today().isoformat(), commit=options.commit, driver=driver(), epochs=options.epochs)
    weights, failures = {}, 0
    with open(options.file, 'w', newline='') as out, concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        writer = csv.DictWriter(out, COLUMNS, lineterminator='\n')
        writer.writeheader()
        started = {pool.submit(run_ours if side == 'distill-cuda' else run_pytorch, options,
                               *([variant] if variant else []), seed): (side, variant, seed) for side, variant, seed in runs}
        for run in concurrent.futures.as_completed(started):
            side, variant, seed = started[run]
            try:
                rows = run.result()
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
                failures += 1
                print(side, variant, seed, str(e)[:300], flush=True)
                continue
            for row in rows:
                if options.at_once > 1:
                    row.update(train_seconds='', process_seconds='')
                writer.writerow(dict(common, **row, side=side, seed=seed))
                before = weights.setdefault((side, variant, seed, row['model']), row.get('weights'))
                same = '' if before is row.get('weights') else ('same bits' if before == row['weights'] else 'OTHER BITS')
                times = f"trained {row['train_seconds']} s, process {row['process_seconds']} s" if options.at_once == 1 else ''
                print(side, variant or '', seed, row['model'], f"best {row['best']:.4f} last {row['last']:.4f}", times, same,
                      flush=True)
            out.flush()
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
