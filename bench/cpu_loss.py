#!/usr/bin/env python3
"""The distillation loss with its gradient on plain arrays on this CPU, distill-cuda against PyTorch, in turn.

Each round times DistillationLoss.compute, which reads and writes float32 and computes in float64, and PyTorch's eager
loss and its backward pass in float32 and in float64, all on one thread, then all on every core. A time is the median
call of a warm process. distill-cuda has one for each shape, as a user with one number of classes has: after 64 x 10 in
the same process the compiler keeps the short loops that it has settled on, and 64 x 1000 takes longer. Rows go to
bench/results/cpu-loss.csv; the ratios are printed and stored with distill-cuda's rows. As in cpu_step.py, PyTorch gets
memory that glibc keeps.
Build first: mvn -B -ntp -q -DskipTests package. Needs a Python with torch, and java must be of a JDK 25.

    python3 bench/cpu_loss.py --machine quiet [--rounds 3] [--calls 300] [--java JAVA] [--results FILE]
"""
import argparse, csv, datetime, os, pathlib, statistics, sys
from cpu_step import KEEP_MEMORY, ROOT, cpu_name, json_lines, output_of

RESULTS = ROOT / 'bench' / 'results' / 'cpu-loss.csv'
COLUMNS = ['date', 'commit', 'cpu', 'cores', 'machine', 'round', 'side', 'precision', 'rows', 'classes', 'threads', 'us',
           'p10', 'p90', 'n', 'times_faster_float32', 'times_faster_float64', 'versions']
SHAPES = ['64x10', '64x1000', '256x32000']
PRECISIONS = ['float32', 'float64']


def ours(options, threads):
    # Beside the caller; 0 leaves it alone.
    pool = f'-Djava.util.concurrent.ForkJoinPool.common.parallelism={threads - 1}'
    return [json_lines([options.java, pool, '-cp', 'target/distill-cuda.jar', 'src/build/TimeLoss.java',
                        str(options.calls), *shape.split('x')])[0] for shape in options.shapes.split(',')]


def pytorch(options, threads):
    rows = json_lines([sys.executable, 'bench/peers/pytorch_reference.py', 'loss-bench', '--device', 'cpu', '--modes',
                       'eager', '--threads', str(threads), '--repeats', str(options.calls), '--shapes', options.shapes,
                       '--dtypes', ','.join(PRECISIONS)], GLIBC_TUNABLES=KEEP_MEMORY)
    return [dict(row, precision=row['dtype'], us=round(row['ms'] * 1e3, 1), p10=round(row['p10'] * 1e3, 1),
                 p90=round(row['p90'] * 1e3, 1)) for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--machine', required=True, help='quiet or shared: whether the times mean anything')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--calls', type=int, default=300, help='timed calls of each kind; fewer where that takes 30 s')
    parser.add_argument('--shapes', default=','.join(SHAPES), help='rows x classes')
    parser.add_argument('--java', default='java')
    parser.add_argument('--results', type=pathlib.Path, default=RESULTS, help='the CSV that rows are appended to')
    options = parser.parse_args()
    common = dict(date=datetime.date.today().isoformat(), commit=output_of('git', 'describe', '--always', '--dirty'),
                  cpu=cpu_name(), cores=os.cpu_count(), machine=options.machine)
    torch_version = 'torch ' + output_of(sys.executable, '-c', 'import torch; print(torch.__version__)')
    java_version = output_of(options.java, '--version').splitlines()[0]
    ratios = {}
    with open(options.results, 'a', newline='') as out:
        writer = csv.DictWriter(out, COLUMNS, extrasaction='ignore', lineterminator='\n')
        if out.tell() == 0:
            writer.writeheader()
        for number in range(1, options.rounds + 1):
            for threads in sorted({1, os.cpu_count()}):
                setting = dict(common, round=number, threads=threads)
                mine, peers = ours(options, threads), pytorch(options, threads)
                writer.writerows(dict(row, **setting, side='pytorch', versions=torch_version) for row in peers)
                for row in mine:
                    shape = (row['rows'], row['classes'])
                    faster = {peer['precision']: round(peer['us'] / row['us'], 2) for peer in peers
                              if (peer['rows'], peer['classes']) == shape}
                    writer.writerow(dict(row, **setting, side='distill-cuda', precision='float64', versions=java_version,
                                         **{f'times_faster_{name}': faster[name] for name in PRECISIONS}))
                    ratios.setdefault((*shape, threads), []).append(faster)
                    print(f"round {number}, {shape[0]} x {shape[1]}, threads {threads}: {row['us']:.1f} us, " + ', '.join(
                        f'{faster[name]:.2f}x as fast as PyTorch {name}' for name in PRECISIONS), flush=True)
                out.flush()
    for (rows, classes, threads), rounds in ratios.items():
        print(f'{rows} x {classes}, threads {threads}: median ' + ', '.join(
            f'{statistics.median(faster[name] for faster in rounds):.2f}x as fast as PyTorch {name}' for name in PRECISIONS))


if __name__ == '__main__':
    main()
