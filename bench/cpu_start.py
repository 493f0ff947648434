#!/usr/bin/env python3
"""How long `java -jar distill-cuda.jar --T 5 --data synthetic` takes from its start to its first step on this CPU.

The first start unpacks the CPU library and draws the pictures, into a cache folder of its own; the others find
both there. On a terminal the program shows progress after every 19 steps (a fortieth of an epoch), so the first
step is taken to end a 19th of the way from the line before training ("teacher: ...") to the first progress. The
CPU time is that of all threads up to that progress. Rows go to bench/results/cpu-start.csv. Build first:
mvn -B -ntp -q -DskipTests package. Needs no torch.

    python3 bench/cpu_start.py --machine quiet [--java JAVA] [--starts 7]
"""
import argparse, csv, datetime, os, pathlib, pty, re, signal, statistics, subprocess, tempfile, time
from cpu_step import ROOT, cpu_name

RESULTS = ROOT / 'bench' / 'results' / 'cpu-start.csv'
STEPS_TO_PROGRESS = 19
COLUMNS = ['date', 'commit', 'cpu', 'cores', 'java', 'start', 'starts', 'first_step_least', 'first_step_p50',
           'first_step_most', 'cpu_seconds_p50', 'machine']


def java_version(java):
    text = subprocess.run([java, '-version'], stderr=subprocess.PIPE, text=True, check=True).stderr
    return re.search(r'"([^"]+)"', text).group(1)


def cpu_seconds(pid):
    """Of a process and of its children that still run: behind a launcher, the program is one."""
    fields = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    children = ' '.join(path.read_text() for path in pathlib.Path(f'/proc/{pid}/task').glob('*/children')).split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
    return own + sum(cpu_seconds(child) for child in children)


def start(java, cache):
    """Returns the seconds to the first step, and the CPU seconds to the first progress."""
    with tempfile.TemporaryDirectory() as folder:
        ours, its = pty.openpty()
        begin = time.perf_counter()
        process = subprocess.Popen(
            [java, '-jar', 'target/distill-cuda.jar', '--T', '5', '--data', 'synthetic',
             '--out', folder + '/run'], cwd=ROOT, stdin=its, stdout=its, stderr=its, start_new_session=True,
            env=dict(os.environ, XDG_CACHE_HOME=str(cache)))
        os.close(its)
        seen, training = b'', None
        while b'teacher epoch 1' not in seen:
            try:
                seen += os.read(ours, 65536)
            except OSError:  # the terminal is gone: it ended
                raise SystemExit('ended before its first step:\n' + seen.decode())
            now = time.perf_counter() - begin
            if training is None and b'teacher: ' in seen:
                training = now
        spent = cpu_seconds(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)
    return training + (now - training) / STEPS_TO_PROGRESS, spent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--java', default='java')
    parser.add_argument('--starts', type=int, default=7)
    parser.add_argument('--machine', required=True, help='quiet or shared: whether the seconds mean anything')
    options = parser.parse_args()
    commit = subprocess.run(['git', 'describe', '--always', '--dirty'], cwd=ROOT, stdout=subprocess.PIPE,
                            text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as cache:
        measured = {'first': [start(options.java, cache)]}
        # Killed above while the cache was whole already; one more, not counted, in case it was not.
        start(options.java, cache)
        measured['later'] = [start(options.java, cache) for _ in range(options.starts)]
    new = not RESULTS.exists()
    with open(RESULTS, 'a', newline='') as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator='\n')
        if new:
            writer.writeheader()
        for name, starts in measured.items():
            seconds = sorted(s for s, _ in starts)
            row = dict(date=datetime.date.today().isoformat(), commit=commit, cpu=cpu_name(), cores=os.cpu_count(),
                       java=java_version(options.java), start=name, starts=len(starts),
                       first_step_least=round(seconds[0], 3),
                       first_step_p50=round(statistics.median(seconds), 3),
                       first_step_most=round(seconds[-1], 3),
                       cpu_seconds_p50=round(statistics.median(c for _, c in starts), 2), machine=options.machine)
            writer.writerow(row)
            print(row)


if __name__ == '__main__':
    main()
