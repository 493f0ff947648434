#!/usr/bin/env python3
"""PyTorch on the GPU beside distill-cuda's device bench: the same work, shapes and way of timing.

  versions   one line with the versions of PyTorch, CUDA and cuDNN
  ceilings   copy bandwidth and the cost of a graph node
  loss       the distillation loss, forward and backward: eager, compiled, and each captured in a graph
  steps      the whole training step: eager, captured in a graph, compiled (with PyTorch's own graphs), compiled and
             captured in a graph; with the time of ten epochs. Each mode and precision in a process of its own
  group      one such process: the steps of one mode and one precision
  layers     each layer forward and backward, captured in a graph

Prints one JSON object a line; of loss, steps and layers the first says where and when, of which commit and with what
versions the others were measured. A variant that does not run is a row with its error. On the CPU (--device cpu) times
mean nothing: that is a test of this script.
"""
import argparse, contextlib, datetime, json, os, re, shutil, signal, statistics, subprocess, sys, tempfile, time


def caches(folder):
    """Where a compiler may write: neither a home folder nor a user's name is sure to exist."""
    return dict(TORCHINDUCTOR_CACHE_DIR=os.path.join(folder, 'inductor'), TRITON_CACHE_DIR=os.path.join(folder, 'triton'))


for variable, place in caches(os.path.join(tempfile.gettempdir(), f'distill-cuda-peers-{os.getuid()}')).items():
    os.environ.setdefault(variable, place)
import torch, torch.nn.functional as F
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pytorch_reference import distillation_loss, normalise, student, teacher

VOCABULARY_ELEMENTS = 1 << 27  # as the device bench has them
BEYOND_CACHE = 128 << 20  # twice the level-2 cache of an H100 or H200, and more
T, ALPHA, IMAGES, EPOCHS = 5.0, 0.7, 50000, 10
DEVICE = 'cuda'
# What is wanted most first, should the time run out.
GROUPS = [('graph', 'tf32'), ('compiled graph', 'tf32'), ('graph', 'bf16'), ('compiled', 'tf32'), ('compiled graph', 'bf16'),
          ('compiled', 'bf16'), ('eager', 'tf32'), ('graph', 'fp32'), ('eager', 'bf16'), ('compiled graph', 'fp32'),
          ('eager', 'fp32'), ('compiled', 'fp32')]


def emit(**row): print(json.dumps(row), flush=True)


class Late(BaseException):
    """Not an Exception: compilers catch those and go on."""


@contextlib.contextmanager
def limited(seconds):
    def late(*_): raise Late(f'more than {seconds} s')
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def attempt(row, measure, seconds=60):
    """Emits the row with what was measured, or with the error."""
    begin = time.perf_counter()
    try:
        with limited(seconds):
            measured = measure()
    except (Exception, Late) as e:
        lines = [line for line in f'{type(e).__name__}: {e}'.splitlines() if line.strip()]
        measured = dict(error=' '.join(lines[:2])[:300])
    emit(**row, **measured, took_s=round(time.perf_counter() - begin, 1))


def synchronize():
    if DEVICE == 'cuda': torch.cuda.synchronize()


def events():
    return [torch.cuda.Event(True) if DEVICE == 'cuda' else Clock() for _ in range(2)]


class Clock:
    """An event of the CPU."""
    def record(self): self.at = time.perf_counter()
    def elapsed_time(self, end): return 1e3 * (end.at - self.at)


def time_gpu(run, parts, before=None, limit=0.4, most=300, least=20, queued=10):
    """Microseconds of one of `parts` equal parts of run(): median, p10, p90 between two events."""
    if DEVICE == 'cpu': limit, least, queued = 0, 1, 1

    def replay(most, least, limit):
        micros, begin = [], time.perf_counter()
        while len(micros) < most and (len(micros) < least or time.perf_counter() - begin < limit):
            pairs = []
            for _ in range(queued):
                if before: before()
                start, end = events()
                start.record(); run(); end.record()
                pairs.append((start, end))
            synchronize()
            micros += [1e3 * start.elapsed_time(end) / parts for start, end in pairs]
        return micros
    replay(50, 1, limit / 4)
    micros = sorted(replay(most, least, limit))
    tenth = (len(micros) - 1) // 10
    return dict(us=round(statistics.median(micros), 3), p10=round(micros[tenth], 3), p90=round(micros[-1 - tenth], 3), n=len(micros))


def capture(step, repeats, prepare=lambda: None):
    """Returns what replays so many steps. What prepare() does is not captured; a backward pass must be captured in
    the stream of its forward pass."""
    if DEVICE == 'cpu':
        prepare()
        return lambda: [step() for _ in range(repeats)]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        prepare()
        for _ in range(3): step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=side):
        for _ in range(repeats): step()
    return graph.replay


def versions():
    print('torch', torch.__version__, 'CUDA', torch.version.cuda, 'cuDNN', torch.backends.cudnn.version(),
          'device', torch.cuda.get_device_name() if torch.cuda.is_available() else 'none')


def provenance(commit):
    cudnn = torch.backends.cudnn.version() or 0
    try:
        driver = re.search(r'\d+\.\d+(\.\d+)?', open('/proc/driver/nvidia/version').read()).group()
    except (OSError, AttributeError):
        driver = 'unknown'
    emit(bench='provenance', date=datetime.date.today().isoformat(), commit=commit, driver=driver,
         device=torch.cuda.get_device_name() if DEVICE == 'cuda' else 'cpu',
         versions=f'torch {torch.__version__} cuDNN {cudnn // 10000}.{cudnn // 100 % 100}.{cudnn % 100}')


def ceilings():
    n = 1 << (28 if DEVICE == 'cuda' else 10)
    x, y = torch.zeros(n, device=DEVICE), torch.empty(n, device=DEVICE)
    measured = time_gpu(lambda: y.copy_(x), 1)
    emit(bench='ceiling', what='copy', gbps=round(8 * n / measured['us'] / 1e3, 1), **measured)
    one = torch.zeros(1, device=DEVICE)
    for nodes in (100, 1000):
        replay = capture(lambda: one.add_(1), nodes)
        emit(bench='ceiling', what='graph of 1-element adds', nodes=nodes, **time_gpu(replay, nodes))


def loss(compiled):
    scale = 1 if DEVICE == 'cuda' else 1 << 10
    unrelated = torch.zeros(BEYOND_CACHE // 4 // scale, device=DEVICE)
    large, small = [(1 << 16, 1000), (1 << 18, 100), (1 << 20, 10)], [(64, 10), (64, 100), (64, 1000)]
    large = [(rows // scale, classes) for rows, classes in large]
    vocabularies = [(max(1, VOCABULARY_ELEMENTS // classes // scale), classes, dtype) for classes in (32768, 128256)
                    for dtype in (torch.float32, torch.bfloat16)]
    shapes = [(rows, classes, torch.float32) for rows, classes in large] + vocabularies
    shapes += [(rows, classes, torch.float32) for rows, classes in small]
    for shape in shapes:
        measure_loss(distillation_loss, *shape, 'eager', unrelated.sum)
    # Compiling takes seconds a shape: the large ones, which say most, come first.
    for shape in shapes if compiled else ():
        torch._dynamo.reset()
        measure_loss(torch.compile(distillation_loss, dynamic=False), *shape, 'compiled', unrelated.sum)


def measure_loss(fn, rows, classes, dtype, mode, flush):
    """Two rows: launched one by one, and captured in a graph; vocabularies only the first."""
    torch.manual_seed(0)
    small = rows == 64
    z = torch.randn(rows, classes, device=DEVICE, dtype=dtype, requires_grad=True)
    floor = 3 * z.element_size() * rows * classes + 16 * rows
    v, labels = torch.randn_like(z, requires_grad=False), torch.randint(0, classes, (rows,), device=DEVICE)
    repeats = 20 if small else 2
    step = lambda: torch.autograd.grad(fn(z, v, labels, T, ALPHA), z)[0]

    def one_by_one():
        for _ in range(repeats): step()
    forms = [('', lambda: one_by_one), (' in a graph', lambda: capture(step, repeats))]
    for suffix, run in forms if classes <= 1024 else forms[:1]:
        def measure():
            measured = time_gpu(run(), repeats, None if small else flush)
            return dict(gbps=round(floor / measured['us'] / 1e3, 1), **measured)
        attempt(dict(bench='loss', mode=mode + suffix + ('' if dtype == torch.float32 else ' ' + str(dtype)[6:]), rows=rows, classes=classes,
                     cache='warm' if small else 'cold', floor_bytes=floor), measure)


def steps(options):
    """Runs a process for each group: what crashes or hangs takes no other with it."""
    end = time.monotonic() + options.seconds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('stopped'))
    failed = False
    groups = [g for g in GROUPS if g[0] in options.modes.split(',') and g[1] in options.precisions.split(',')]
    for mode, precision in groups:
        row = dict(bench='step', mode=mode, precision=precision, batch=0, cached=False, layout='')
        left = end - time.monotonic()
        if left < 15 and DEVICE == 'cuda':
            emit(**row, error=f'{left:.0f} s were left of {options.seconds}')
            continue
        command = [sys.executable, os.path.abspath(__file__), 'group', '--modes', mode, '--precisions', precision,
                   '--batches', options.batches, '--step-seconds', str(options.step_seconds), '--device', DEVICE, '--images', str(IMAGES)]
        # A cache of its own, and none that is kept of one that was stopped: a compiler leaves half a file. And a
        # session of its own, so that what it started ends too.
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        kept = options.cache and os.path.join(options.cache, f'{mode} {precision}'.replace(' ', '-'))
        with tempfile.TemporaryFile('w+') as errors, contextlib.nullcontext(kept) if kept else folder as cache:
            child = subprocess.Popen(command, stderr=errors, start_new_session=True, env=dict(os.environ, **caches(cache)))
            try:
                status = child.wait(min(left, options.group_seconds))
            except subprocess.TimeoutExpired:
                status = 'time limit'
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            errors.seek(0)
            lines = [line for line in errors.read().splitlines() if line.strip()]
        if lines: print(*lines[-20:], sep='\n', file=sys.stderr, flush=True)
        if status != 0:
            failed = True
            if kept: shutil.rmtree(kept, ignore_errors=True)
            emit(**row, error=f'process ended with {status}: {lines[-1][:200] if lines else ""}')
    if failed: sys.exit(1)


def choose(precision):
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != 'fp32'


def group(options):
    mode, precision = options.modes, options.precisions
    choose(precision)
    images = torch.randint(0, 256, (IMAGES, 3, 32, 32), dtype=torch.uint8, device=DEVICE)
    labels = torch.randint(0, 10, (IMAGES,), device=DEVICE)
    order = torch.randperm(IMAGES, device=DEVICE)
    # Compiling takes long: in the layout that is the faster one.
    for layout in (torch.channels_last, torch.contiguous_format)[:1 if 'compiled' in mode else 2]:
        for batch in map(int, options.batches.split(',')):
            for cached in (True, False):
                row = dict(bench='step', mode=mode, precision=precision, batch=batch, cached=cached,
                           layout='nhwc' if layout == torch.channels_last else 'nchw')
                attempt(row, lambda: measure_step(mode, batch, layout, cached, images, labels, order, precision == 'bf16'),
                        options.step_seconds)


def autocast(bf16):
    # The cache of casts would keep the weights of the first step in a graph.
    return torch.autocast(DEVICE, torch.bfloat16, enabled=bf16, cache_enabled=False)


def measure_step(mode, batch, layout, cached, images, labels, order, bf16):
    torch.manual_seed(0)
    captured = mode.endswith('graph')
    t, m = teacher().to(DEVICE).eval().to(memory_format=layout), student().to(DEVICE).to(memory_format=layout)
    optimizer = torch.optim.Adam(m.parameters(), lr=1e-3, fused=True, capturable=captured and DEVICE == 'cuda')
    table = None
    if cached:
        with torch.no_grad(), autocast(bf16):
            table = torch.cat([t(normalise(images[i:i + 1000]).contiguous(memory_format=layout)) for i in range(0, IMAGES, 1000)])
    cursor = torch.zeros((), dtype=torch.long, device=DEVICE)
    offsets = torch.arange(batch, device=DEVICE)

    def loss_of(index):
        x = normalise(images[index]).contiguous(memory_format=layout)
        with autocast(bf16):
            with torch.no_grad():
                zt = table[index] if cached else t(x)
            z = m(x)
        return distillation_loss(z.float(), zt.float(), labels[index], T, ALPHA)
    loss_fn = loss_of
    if 'compiled' in mode:
        torch._dynamo.reset()
        # Or PyTorch's graphs would copy the data set in every step.
        for tensor in (images, labels) + ((table,) if cached else ()):
            torch._dynamo.mark_static_address(tensor)
        # In a graph that is captured here PyTorch must not capture its own.
        loss_fn = torch.compile(loss_of, mode='default' if captured else 'reduce-overhead', dynamic=False, fullgraph=True)

    def step():
        if mode == 'compiled': torch.compiler.cudagraph_mark_step_begin()
        loss_fn(order[(cursor + offsets) % IMAGES]).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=not captured)
        cursor.add_(batch)
    repeats = 10

    def one_by_one():
        for _ in range(repeats): step()
    measured = time_gpu(capture(step, repeats) if captured else one_by_one, repeats, limit=0.6)
    if not all(bool(p.isfinite().all()) for p in m.parameters()): raise ArithmeticError('parameters are not finite')
    return dict(measured, ten_epochs_s=round(measured['us'] * 1e-6 * EPOCHS * -(-IMAGES // batch), 3))


def layers(options):
    """Layers as distill-cuda has them, convolution with ReLU and pool, each alone in a graph."""
    for precision in options.precisions.split(','):
        choose(precision)
        for batch in map(int, options.batches.split(',')):
            for layout in (torch.channels_last, torch.contiguous_format):
                for network, net in (('student', student()), ('teacher', teacher())):
                    measure_layers(network, net.to(DEVICE).to(memory_format=layout), precision, batch, layout)


def measure_layers(network, net, precision, batch, layout):
    convolution = lambda module: lambda x: F.max_pool2d(F.relu(module(x)), 2)
    c1, c2 = net.conv1.out_channels, net.conv2.out_channels
    for name, run, shape in (('conv1', convolution(net.conv1), (batch, 3, 32, 32)),
                             ('conv2', convolution(net.conv2), (batch, c1, 16, 16)),
                             ('fc1', lambda x: F.relu(net.fc1(x)), (batch, c2 * 64)),
                             ('fc2', net.fc2, (batch, net.fc2.in_features))):
        dtype = torch.bfloat16 if precision == 'bf16' and name != 'conv1' else torch.float32
        x = torch.randn(shape, device=DEVICE, dtype=dtype)
        if len(shape) == 4: x = x.contiguous(memory_format=layout)
        x.requires_grad_(name != 'conv1' and network == 'student')
        wanted = [*getattr(net, name).parameters()] + ([x] if x.requires_grad else [])
        made = {}

        def forward():
            with torch.set_grad_enabled(network == 'student'), autocast(precision == 'bf16'):
                made['y'] = run(x)

        def prepare():
            forward()
            made['dy'] = torch.randn_like(made['y']).detach()

        def backward(): torch.autograd.grad(made['y'], wanted, made['dy'], retain_graph=True)
        for direction, step in (('forward', forward), ('backward', backward))[:2 if network == 'student' else 1]:
            attempt(dict(bench='layer', network=network, layer=name, direction=direction, precision=precision, batch=batch,
                         layout='nhwc' if layout == torch.channels_last else 'nchw'),
                    lambda: time_gpu(capture(step, 20, prepare), 20, limit=0.05), 20)


def main():
    global DEVICE, IMAGES
    commands = dict(versions=lambda _: versions(), ceilings=lambda _: ceilings(), loss=lambda o: loss(not o.no_compile),
                    steps=steps, group=group, layers=layers)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('command', choices=commands)
    parser.add_argument('--no-compile', action='store_true', help='leave out what torch.compile takes long for')
    parser.add_argument('--commit', default='unknown', help='of the checkout that is measured')
    parser.add_argument('--modes', default='graph,compiled,compiled graph,eager', help='of steps')
    parser.add_argument('--precisions', default='tf32,bf16,fp32', help='of steps and layers; bf16 is under autocast')
    parser.add_argument('--batches', default='64,256,1024')
    parser.add_argument('--seconds', type=float, default=1e6, help='for all steps')
    parser.add_argument('--group-seconds', type=float, default=150, help='for the steps of one mode and precision')
    parser.add_argument('--step-seconds', type=float, default=75, help='for one step, its compilation with it')
    parser.add_argument('--cache', help='folder where steps leave and find what was compiled')
    parser.add_argument('--device', default=DEVICE, choices=['cuda', 'cpu'])
    parser.add_argument('--images', type=int, default=IMAGES, help='of the data set')
    options = parser.parse_args()
    DEVICE, IMAGES = options.device, options.images
    if options.command != 'versions' and DEVICE == 'cuda' and not torch.cuda.is_available():
        sys.exit('gpu_peers.py: PyTorch sees no GPU')
    if options.command in ('loss', 'steps', 'layers'):
        provenance(options.commit)
    commands[options.command](options)


if __name__ == '__main__':
    main()
