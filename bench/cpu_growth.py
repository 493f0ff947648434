#!/usr/bin/env python3
"""How the cost of an image grows on this CPU: over the batch of a step, and over the images of a run.

Steps: the distillation step at batch 16 to 1,024, teacher cached and recomputed. Runs: one epoch of teacher,
baseline and student on 5,000 to 50,000 images, as whole processes. distill-cuda and PyTorch (channels-last, all
threads, memory kept as in cpu_step.py) in turn, both with the teacher in every step: in a single epoch a cache
of its logits saves nothing. By the rows of cpu-step.csv and cpu-run.csv a round takes about 7 minutes on two quiet
cores, 2.5 for the steps and 4.5 for the runs. Rows go to bench/results/cpu-growth.csv, from which
java src/build/GrowthPlot.java draws bench/results/cpu-growth.svg; it wants both sides at all points. Build first:
mvn -B -ntp -q -DskipTests package. Needs a Python with torch, and for the runs a folder with the binary layout.

    python3 bench/cpu_growth.py --machine quiet [--data-dir DIR] [--rounds 1] [--java java] [--results FILE]
"""
import argparse, csv, datetime, os, pathlib, subprocess, sys, time
from cpu_run import run_ours, rows_of_pytorch
from cpu_step import KEEP_MEMORY, ROOT, cpu_name, json_lines, output_of

RESULTS = ROOT / 'bench' / 'results' / 'cpu-growth.csv'
COLUMNS = ['date', 'commit', 'cpu', 'cores', 'machine', 'round', 'side', 'what', 'batch', 'images', 'us_per_image',
           'p10', 'p90', 'n']
BATCHES = [16, 32, 64, 128, 256, 512, 1024]
IMAGES = [5000, 10000, 20000, 50000]
PEER = [sys.executable, 'bench/peers/pytorch_reference.py']
WAIT = dict(GLIBC_TUNABLES=KEEP_MEMORY, GOMP_SPINCOUNT='5000')


def step_row(side, row, batch):
    scale = 1e3 / batch
    return dict(side=side, what=row['variant'] + ' step', batch=batch, us_per_image=row['ms'] * scale,
                p10=row['p10'] * scale, p90=row['p90'] * scale, n=row['n'])


def steps(options):
    for batch in BATCHES:
        # Images count, not steps; but where a step is short it must be many, until the compiler of Java is through.
        count = max(20, 6400 // batch)
        result, = json_lines([options.java, '-jar', 'target/distill-cuda.jar', 'bench', '--json', '--device', 'cpu',
                              '--batch-size', str(batch), '--steps', str(count), '--warm-up', str(min(count, 200))])
        for row in result['steps']:
            yield step_row('distill-cuda', row, batch)
        for row in json_lines([*PEER, 'bench', '--device', 'cpu', '--batch', str(batch), '--threads',
                               str(os.cpu_count()), '--layouts', 'nhwc', '--repeats', str(count)], **WAIT):
            if 'error' in row:
                print(f"PyTorch at batch {batch}: {row['error']}", file=sys.stderr)
                continue
            yield step_row('pytorch', dict(row, variant='cached' if row['cached'] else 'recomputed'), batch)


def run_rows(side, models, seconds, images):
    for model in models:
        yield dict(side=side, what=model['model'] + ' epoch', batch=64, images=images, n=1,
                   us_per_image=model['train_seconds'] / images * 1e6)
    yield dict(side=side, what='whole process', batch=64, images=images, us_per_image=seconds / images * 1e6, n=1)


def runs(options):
    for images in IMAGES:
        models, seconds, _ = run_ours(options, 42, ['--subset', str(images), '--recompute-teacher'])
        yield from run_rows('distill-cuda', models, seconds, images)
        start = time.perf_counter()
        done = subprocess.run([*PEER, 'train', '--device', 'cpu', '--data', options.data_dir, '--seed', '42',
                               '--limit', str(images), '--epochs', '1', '--teacher-epochs', '1', '--channels-last'],
                              cwd=ROOT, env=dict(os.environ, **WAIT), check=True, stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - start
        yield from run_rows('pytorch', rows_of_pytorch(done.stdout.splitlines()), seconds, images)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--machine', required=True, help='quiet or shared: whether the times mean anything')
    parser.add_argument('--data-dir', help='without it, steps alone')
    parser.add_argument('--rounds', type=int, default=1)
    parser.add_argument('--java', default='java')
    parser.add_argument('--results', type=pathlib.Path, default=RESULTS, help='the CSV that rows are appended to')
    options = parser.parse_args()
    options.epochs = 1
    common = dict(date=datetime.date.today().isoformat(), commit=output_of('git', 'describe', '--always', '--dirty'),
                  cpu=cpu_name(), cores=os.cpu_count(), machine=options.machine)
    began = time.perf_counter()
    with open(options.results, 'a', newline='') as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator='\n')
        if out.tell() == 0:
            writer.writeheader()
        for number in range(1, options.rounds + 1):
            for part in [steps] + ([runs] if options.data_dir else []):
                for row in part(options):
                    for name in ('us_per_image', 'p10', 'p90'):
                        if name in row:
                            row[name] = round(row[name], 2)
                    writer.writerow(dict(common, round=number, **row))
                    out.flush()
                    print(f'{time.perf_counter() - began:.0f} s', row, flush=True)


if __name__ == '__main__':
    main()
