#!/usr/bin/env python3
"""The distillation step on this CPU, distill-cuda against PyTorch, in turn on the same machine.

Each round times distill-cuda, then PyTorch in both layouts, on one thread and on all, and takes PyTorch's best
median per variant; the same again in bfloat16 (autocast there), where the processor has it. torch.compile takes
a minute or more to compile: it joins in the first round, and in the others if it was the best in that. Rows go to bench/results/cpu-step.csv; the ratios are printed and stored with distill-cuda's rows.
Build first: mvn -B -ntp -q -DskipTests package. Needs a Python with torch.

PyTorch gets what its users set: Adam in one kernel, a frozen teacher that is converted once, and memory that
glibc keeps (KEEP_MEMORY). Without that every large tensor is mapped and unmapped again in every step, which
costs more than the step where a page fault is dear, as in a virtual machine. OpenMP's threads wait alike on
both sides, and PyTorch is tried with its own default, too.

    python3 bench/cpu_step.py [--rounds 3] [--steps 200] [--precisions fp32,bf16] [--java java]
"""
import argparse, csv, datetime, json, os, pathlib, platform, statistics, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / 'bench' / 'results' / 'cpu-step.csv'
COLUMNS = ['date', 'commit', 'cpu', 'cores', 'round', 'side', 'variant', 'layout', 'threads', 'batch',
           'ms', 'p10', 'p90', 'n', 'pytorch_best_ms', 'times_faster', 'versions', 'precision', 'mode']
KEEP_MEMORY = 'glibc.malloc.trim_threshold=4294967296:glibc.malloc.mmap_threshold=4294967296'


def json_lines(command, **environment):
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, **environment), stdout=subprocess.PIPE, check=True,
                          text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def cpu_name():
    for line in open('/proc/cpuinfo'):
        if line.startswith('model name'):
            return line.split(':', 1)[1].strip()
    return platform.processor()


def has_bfloat16():
    return any(flag in open('/proc/cpuinfo').read().split() for flag in ('avx512_bf16', 'amx_bf16'))


def ours(options, precision):
    return json_lines([options.java, '-jar', 'target/distill-cuda.jar', 'bench', '--json', '--device', 'cpu', '--steps',
                       str(options.steps), '--precision', precision])[0]


def pytorch(options, precision, modes):
    """Rows of every setting; the mode names how OpenMP's threads wait where that is not as in distill-cuda."""
    cores = os.cpu_count()
    rows = []
    for threads, modes, waits in [(1, 'eager', 'alike'), (cores, modes, 'alike'), (cores, 'eager', 'default')]:
        environment = dict(GLIBC_TUNABLES=KEEP_MEMORY, **({'GOMP_SPINCOUNT': '5000'} if waits == 'alike' else {}))
        for row in json_lines([sys.executable, 'bench/peers/pytorch_reference.py', 'bench', '--device', 'cpu', '--batch',
                               '64', '--threads', str(threads), '--repeats', str(options.repeats), '--modes', modes,
                               *(['--autocast'] if precision == 'bf16' else [])], **environment):
            mode = row['mode'] + ('' if waits == 'alike' else ', default wait')
            if 'error' in row:
                print(f"PyTorch {mode}, {row['layout']}: {row['error']}", file=sys.stderr)
            else:
                rows.append(dict(row, mode=mode, variant='cached' if row['cached'] else 'recomputed'))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--steps', type=int, default=200, help='timed steps of distill-cuda per variant')
    parser.add_argument('--repeats', type=int, default=60, help='timed steps of PyTorch per variant')
    parser.add_argument('--no-compile', dest='compile', action='store_false', help='without torch.compile')
    parser.add_argument('--precisions', default='fp32,bf16' if has_bfloat16() else 'fp32')
    parser.add_argument('--java', default='java')
    options = parser.parse_args()
    common = dict(date=datetime.date.today().isoformat(), commit=output_of('git', 'describe', '--always', '--dirty'),
                  cpu=cpu_name(), cores=os.cpu_count(), batch=64)
    torch_version = 'torch ' + output_of(sys.executable, '-c', 'import torch; print(torch.__version__)')
    ratios, modes = {}, {}
    with open(RESULTS, 'a', newline='') as out:
        writer = csv.DictWriter(out, COLUMNS, extrasaction='ignore', lineterminator='\n')
        for number in range(1, options.rounds + 1):
            for precision in options.precisions.split(','):
                rows = dict(common, round=number, precision=precision)
                result = ours(options, precision)
                peers = pytorch(options, precision, modes.get(precision, 'eager,compile' if options.compile else 'eager'))
                modes[precision] = 'eager'
                writer.writerows(dict(row, **rows, side='pytorch', versions=torch_version) for row in peers)
                for row in result['steps']:
                    peer = min((peer for peer in peers if peer['variant'] == row['variant']), key=lambda peer: peer['ms'])
                    best = peer['ms']
                    if peer['mode'] == 'compile':
                        modes[precision] = 'eager,compile'
                    ratio = best / row['ms']
                    ratios.setdefault((precision, row['variant']), []).append(ratio)
                    writer.writerow(dict(
                        rows, side='distill-cuda', variant=row['variant'], layout='blocked', threads=os.cpu_count(),
                        ms=round(row['ms'], 3), p10=round(row['p10'], 3), p90=round(row['p90'], 3), n=row['n'],
                        pytorch_best_ms=best, times_faster=round(ratio, 2), versions=result['device']))
                    print(f"round {number} {precision} {row['variant']:>10}: {row['ms']:.2f} ms, PyTorch {best:.2f} ms, "
                          f"{ratio:.2f}x", flush=True)
                out.flush()
    for (precision, variant), values in ratios.items():
        print(f'{precision} {variant}: median {statistics.median(values):.2f}x as fast as PyTorch at its best')


if __name__ == '__main__':
    main()
