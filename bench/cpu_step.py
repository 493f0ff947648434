#!/usr/bin/env python3
"""The distillation step on this CPU, distill-cuda against PyTorch, in turn on the same machine.

Each round times distill-cuda, then PyTorch in both layouts, on one thread and on all, and takes PyTorch's best
median per variant; the same again in bfloat16 (autocast there), where the processor has it. Rows go to
bench/results/cpu-step.csv; the ratios are printed and stored with distill-cuda's rows.
Build first: mvn -B -ntp -q -DskipTests package. Needs a Python with torch.

torch.compile is one of PyTorch's settings. It needs a C++ compiler and a minute or more to compile, which is no part
of a step; so it joins in the first round, and in the others if it came within a quarter of PyTorch's best in that.
Where it fails, the reason is printed and the others stand.

PyTorch gets what its users set: Adam in one kernel, a frozen teacher that is converted once, and memory that
glibc keeps (KEEP_MEMORY). Without that every large tensor is mapped and unmapped again in every step, which
costs more than the step where a page fault is dear, as in a virtual machine. OpenMP's threads wait alike on
both sides, and PyTorch is tried with its own default, too.

    python3 bench/cpu_step.py [--rounds 3] [--steps 200] [--precisions fp32,bf16] [--java java] [--results FILE]
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


def pytorch(options, precision, compiles):
    """Rows of every setting; the mode names how OpenMP's threads wait where that is not as in distill-cuda."""
    cores = os.cpu_count()
    settings = [(1, 'eager', 'alike'), (cores, 'eager', 'alike'), (cores, 'eager', 'default')]
    rows = []
    for threads, mode, waits in settings + ([(cores, 'compile', 'alike')] if compiles else []):
        environment = dict(GLIBC_TUNABLES=KEEP_MEMORY, **({'GOMP_SPINCOUNT': '5000'} if waits == 'alike' else {}))
        name = mode + ('' if waits == 'alike' else ', default wait')
        try:
            answers = json_lines([sys.executable, 'bench/peers/pytorch_reference.py', 'bench', '--device', 'cpu',
                                  '--batch', '64', '--threads', str(threads), '--repeats', str(options.repeats),
                                  '--modes', mode, *(['--autocast'] if precision == 'bf16' else [])], **environment)
        except subprocess.CalledProcessError as failed:
            if mode != 'compile':
                raise
            answers = [dict(error=f'ended with {failed.returncode}; the reason is above', layout='both layouts')]
        for row in answers:
            if 'error' in row:
                print(f"PyTorch {precision} {name}, {row['layout']}: {row['error']}", file=sys.stderr)
            else:
                rows.append(dict(row, mode=name, variant='cached' if row['cached'] else 'recomputed'))
    return rows


def compile_is_worth_it(rows, best):
    """Whether torch.compile came so near to PyTorch's best of a variant that another round may turn them round."""
    return any(row['mode'] == 'compile' and row['ms'] <= 1.25 * best[row['variant']]['ms'] for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--steps', type=int, default=200, help='timed steps of distill-cuda per variant')
    parser.add_argument('--repeats', type=int, default=60, help='timed steps of PyTorch per variant')
    parser.add_argument('--no-compile', dest='compile', action='store_false', help='without torch.compile')
    parser.add_argument('--precisions', default='fp32,bf16' if has_bfloat16() else 'fp32')
    parser.add_argument('--java', default='java')
    parser.add_argument('--results', type=pathlib.Path, default=RESULTS, help='the CSV that rows are appended to')
    options = parser.parse_args()
    common = dict(date=datetime.date.today().isoformat(), commit=output_of('git', 'describe', '--always', '--dirty'),
                  cpu=cpu_name(), cores=os.cpu_count(), batch=64)
    torch_version = 'torch ' + output_of(sys.executable, '-c', 'import torch; print(torch.__version__)')
    ratios, compiles = {}, {}
    with open(options.results, 'a', newline='') as out:
        writer = csv.DictWriter(out, COLUMNS, extrasaction='ignore', lineterminator='\n')
        if out.tell() == 0:
            writer.writeheader()
        for number in range(1, options.rounds + 1):
            for precision in options.precisions.split(','):
                rows = dict(common, round=number, precision=precision)
                result = ours(options, precision)
                peers = pytorch(options, precision, compiles.get(precision, options.compile))
                best = {}
                for peer in sorted(peers, key=lambda peer: peer['ms']):
                    best.setdefault(peer['variant'], peer)
                compiles[precision] = compile_is_worth_it(peers, best)
                writer.writerows(dict(row, **rows, side='pytorch', versions=torch_version) for row in peers)
                for row in result['steps']:
                    peer = best[row['variant']]
                    ratio = peer['ms'] / row['ms']
                    ratios.setdefault((precision, row['variant']), []).append(ratio)
                    writer.writerow(dict(
                        rows, side='distill-cuda', variant=row['variant'], layout='blocked', threads=os.cpu_count(),
                        ms=round(row['ms'], 3), p10=round(row['p10'], 3), p90=round(row['p90'], 3), n=row['n'],
                        pytorch_best_ms=peer['ms'], times_faster=round(ratio, 2), versions=result['device']))
                    print(f"round {number} {precision} {row['variant']:>10}: {row['ms']:.2f} ms, "
                          f"PyTorch {peer['ms']:.2f} ms ({peer['mode']}, {peer['layout']}, threads {peer['threads']}), "
                          f"{ratio:.2f}x", flush=True)
                out.flush()
    for (precision, variant), values in ratios.items():
        print(f'{precision} {variant}: median {statistics.median(values):.2f}x as fast as PyTorch at its best')


if __name__ == '__main__':
    main()
