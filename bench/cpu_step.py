#!/usr/bin/env python3
"""The distillation step on this CPU, distill-cuda against PyTorch, in turn on the same machine.

Each round times distill-cuda, then PyTorch in both layouts at each thread count, and takes PyTorch's
best median per variant. Rows go to bench/results/cpu-step.csv; the ratios are printed and stored with
distill-cuda's rows. Build first: mvn -B -ntp -q -DskipTests package. Needs a Python with torch.

    python3 bench/cpu_step.py [--rounds 3] [--steps 200] [--java java]
"""
import argparse, csv, datetime, json, os, pathlib, platform, statistics, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / 'bench' / 'results' / 'cpu-step.csv'
COLUMNS = ['date', 'commit', 'cpu', 'cores', 'round', 'side', 'variant', 'layout', 'threads', 'batch',
           'ms', 'p10', 'p90', 'n', 'pytorch_best_ms', 'times_faster', 'versions']


def json_lines(command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]


def cpu_name():
    for line in open('/proc/cpuinfo'):
        if line.startswith('model name'):
            return line.split(':', 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--steps', type=int, default=200, help='timed steps of distill-cuda per variant')
    parser.add_argument('--repeats', type=int, default=60, help='timed steps of PyTorch per variant')
    parser.add_argument('--java', default='java')
    options = parser.parse_args()
    cores = os.cpu_count()
    commit = subprocess.run(['git', 'describe', '--always', '--dirty'], cwd=ROOT, stdout=subprocess.PIPE,
                            text=True).stdout.strip()
    common = dict(date=datetime.date.today().isoformat(), commit=commit, cpu=cpu_name(), cores=cores)
    torch_version = subprocess.run([sys.executable, '-c', 'import torch; print(torch.__version__)'], check=True,
                                   stdout=subprocess.PIPE, text=True).stdout.strip()
    rows, ratios = [], {'cached': [], 'recomputed': []}
    for round_number in range(1, options.rounds + 1):
        ours = json_lines([options.java, '-jar', 'target/distill-cuda.jar', 'bench', '--json', '--device', 'cpu',
                           '--steps', str(options.steps)])[0]
        best = {}
        for threads in sorted({1, cores}):
            for row in json_lines([sys.executable, 'bench/peers/pytorch_reference.py', 'bench', '--device', 'cpu',
                                   '--batch', '64', '--threads', str(threads), '--repeats', str(options.repeats)]):
                variant = 'cached' if row['cached'] else 'recomputed'
                best[variant] = min(best.get(variant, float('inf')), row['ms'])
                rows.append(dict(common, round=round_number, side='pytorch', variant=variant, layout=row['layout'],
                                 threads=row['threads'], batch=64, ms=row['ms'], p10=row['p10'], p90=row['p90'],
                                 n=row['n'], versions='torch ' + torch_version))
        for row in ours['steps']:
            ratio = best[row['variant']] / row['ms']
            ratios[row['variant']].append(ratio)
            rows.append(dict(common, round=round_number, side='distill-cuda', variant=row['variant'], layout='blocked',
                             threads=cores, batch=row['batch'], ms=round(row['ms'], 3), p10=round(row['p10'], 3),
                             p90=round(row['p90'], 3), n=row['n'], pytorch_best_ms=best[row['variant']],
                             times_faster=round(ratio, 2), versions=ours['device']))
            print(f"round {round_number} {row['variant']:>10}: {row['ms']:.2f} ms, PyTorch {best[row['variant']]:.2f} ms,"
                  f" {ratio:.2f}x", flush=True)
    new = not RESULTS.exists()
    with open(RESULTS, 'a', newline='') as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator='\n')
        if new:
            writer.writeheader()
        writer.writerows(rows)
    for variant, values in ratios.items():
        print(f'{variant}: median {statistics.median(values):.2f}x as fast as PyTorch at its best')


if __name__ == '__main__':
    main()
