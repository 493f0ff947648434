#!/usr/bin/env python3
"""The whole run on this CPU, distill-cuda against PyTorch: accuracies by seed, and wall time.

For each seed: distill-cuda with all defaults, and PyTorch in channels-last (its faster layout), both as
whole processes from start to exit. By default distill-cuda caches the teacher's logits; PyTorch runs the
teacher in every step, and keeps its memory as in cpu_step.py. Rows go to bench/results/cpu-run.csv. Build first:
mvn -B -ntp -q -DskipTests package. Needs a Python with torch and a folder with the binary layout.

    python3 bench/cpu_run.py --data-dir DIR --machine quiet [--seeds 42,43,44] [--sides distill-cuda,pytorch] [--epochs 10]
    python3 bench/cpu_run.py --data-dir DIR --machine quiet --sides distill-cuda --precision bf16
"""
import argparse, csv, datetime, json, os, statistics, subprocess, sys, tempfile, time
from cpu_step import KEEP_MEMORY, ROOT, cpu_name

RESULTS = ROOT / 'bench' / 'results' / 'cpu-run.csv'
COLUMNS = ['date', 'commit', 'cpu', 'cores', 'data', 'side', 'seed', 'epochs', 'model', 'best', 'last', 'agreement',
           'train_seconds', 'process_seconds', 'machine', 'precision']


def run_ours(options, seed, more=()):
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([options.java, '-jar', 'target/distill-cuda.jar', '--T', '5', '--data-dir', options.data_dir,
                        '--seed', str(seed), '--epochs', str(options.epochs), '--teacher-epochs', str(options.epochs),
                        '--out', folder + '/run', '--quiet', *more], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        metrics = json.load(open(folder + '/run/metrics.json'))
    rows = [dict(model=name, best=m['bestTestAccuracy'], last=m['lastTestAccuracy'],
                 agreement=m.get('agreementWithTeacher', ''), train_seconds=round(m['trainSeconds'], 3))
            for name, m in metrics['models'].items()]
    return rows, seconds, metrics['dataset']['name']


def rows_of_pytorch(lines):
    epochs = {}
    for line in lines:
        if line.startswith('{'):
            row = json.loads(line)
            epochs.setdefault(row['model'], []).append(row)
    return [dict(model=name, best=max(r['test'] for r in rows), last=rows[-1]['test'], agreement='',
                 train_seconds=round(sum(r['seconds'] for r in rows), 3)) for name, rows in epochs.items()]


def run_pytorch(options, seed):
    start = time.perf_counter()
    done = subprocess.run([sys.executable, 'bench/peers/pytorch_reference.py', 'train', '--device', 'cpu', '--data',
                           options.data_dir, '--seed', str(seed), '--epochs', str(options.epochs), '--teacher-epochs',
                           str(options.epochs), '--channels-last'], cwd=ROOT,
                          env=dict(os.environ, GLIBC_TUNABLES=KEEP_MEMORY), check=True, stdout=subprocess.PIPE,
                          text=True)
    return rows_of_pytorch(done.stdout.splitlines()), time.perf_counter() - start, 'same folder'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data-dir', required=True)
    parser.add_argument('--seeds', default='42,43,44')
    parser.add_argument('--sides', default='distill-cuda,pytorch')
    parser.add_argument('--epochs', type=int, default=10)
    parser.add_argument('--java', default='java')
    parser.add_argument('--precision', choices=['fp32', 'bf16'], default='fp32', help='of distill-cuda')
    parser.add_argument('--machine', required=True, help='quiet or shared: whether the seconds mean anything')
    options = parser.parse_args()
    commit = subprocess.run(['git', 'describe', '--always', '--dirty'], cwd=ROOT, stdout=subprocess.PIPE,
                            text=True).stdout.strip()
    new = not RESULTS.exists()
    totals = {}
    with open(RESULTS, 'a', newline='') as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator='\n')
        if new:
            writer.writeheader()
        for seed in map(int, options.seeds.split(',')):
            for side in options.sides.split(','):
                ours = side == 'distill-cuda'
                precision = options.precision if ours else 'fp32'
                rows, seconds, data = (run_ours(options, seed, ['--precision', precision]) if ours
                                       else run_pytorch(options, seed))
                totals.setdefault(side, []).append(seconds)
                for row in rows:
                    writer.writerow(dict(row, date=datetime.date.today().isoformat(), commit=commit, cpu=cpu_name(),
                                         cores=os.cpu_count(), data=data, side=side, seed=seed, epochs=options.epochs,
                                         process_seconds=round(seconds, 1), machine=options.machine,
                                         precision=precision))
                    print(side, seed, row, f'{seconds:.0f} s', flush=True)
                out.flush()
    if len(totals) == 2:
        ratio = statistics.median(p / o for o, p in zip(totals['distill-cuda'], totals['pytorch']))
        print(f'whole run: median {ratio:.2f}x as fast as PyTorch')


if __name__ == '__main__':
    main()
