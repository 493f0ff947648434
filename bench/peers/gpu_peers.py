#!/usr/bin/env python3
"""PyTorch on the GPU beside distill-cuda's device bench: the same work, shapes and way of timing.

  versions   one line with the versions of PyTorch, CUDA and cuDNN
  ceilings   copy bandwidth and the cost of a graph node
  loss       the distillation loss, forward and backward: eager, compiled, and each captured in a graph
  steps      the whole training step: eager, compiled, and captured in a graph; with the time of ten epochs

Prints one JSON object a line. A variant that does not run is a row with its error.
"""
import argparse, json, os, statistics, sys, time
import torch
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pytorch_reference import distillation_loss, normalise, student, teacher

VOCABULARY_ELEMENTS = 1 << 27  # as the device bench has them
BEYOND_CACHE = 128 << 20  # twice the level-2 cache of an H100 or H200, and more
T, ALPHA, IMAGES, EPOCHS = 5.0, 0.7, 50000, 10
DEVICE = 'cuda'


def emit(**row): print(json.dumps(row), flush=True)


def attempt(row, measure):
    """Emits the row with what was measured, or with the error."""
    begin = time.perf_counter()
    try:
        measured = measure()
    except Exception as e:
        measured = dict(error=(type(e).__name__ + ': ' + str(e)).splitlines()[0][:200])
    emit(**row, **measured, took_s=round(time.perf_counter() - begin, 1))


def time_gpu(run, parts, before=None, limit=0.4, most=300, least=20, queued=10):
    """Microseconds of one of `parts` equal parts of run(): median, p10, p90 between two events."""
    def replay(most, least, limit):
        micros, begin = [], time.perf_counter()
        while len(micros) < most and (len(micros) < least or time.perf_counter() - begin < limit):
            pairs = []
            for _ in range(queued):
                if before: before()
                start, end = torch.cuda.Event(True), torch.cuda.Event(True)
                start.record(); run(); end.record()
                pairs.append((start, end))
            torch.cuda.synchronize()
            micros += [1e3 * start.elapsed_time(end) / parts for start, end in pairs]
        return micros
    replay(50, 1, limit / 4)
    micros = sorted(replay(most, least, limit))
    tenth = (len(micros) - 1) // 10
    return dict(us=round(statistics.median(micros), 3), p10=round(micros[tenth], 3), p90=round(micros[-1 - tenth], 3), n=len(micros))


def capture(step, repeats):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3): step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(repeats): step()
    return graph


def versions():
    print('torch', torch.__version__, 'CUDA', torch.version.cuda, 'cuDNN', torch.backends.cudnn.version(),
          'device', torch.cuda.get_device_name() if torch.cuda.is_available() else 'none')


def ceilings():
    n = 1 << 28
    x, y = torch.zeros(n, device=DEVICE), torch.empty(n, device=DEVICE)
    measured = time_gpu(lambda: y.copy_(x), 1)
    emit(bench='ceiling', what='copy', gbps=round(8 * n / measured['us'] / 1e3, 1), **measured)
    one = torch.zeros(1, device=DEVICE)
    for nodes in (100, 1000):
        graph = capture(lambda: one.add_(1), nodes)
        emit(bench='ceiling', what='graph of 1-element adds', nodes=nodes, **time_gpu(graph.replay, nodes))


def loss(compiled):
    unrelated = torch.zeros(BEYOND_CACHE // 4, device=DEVICE)
    large, small = [(1 << 16, 1000), (1 << 18, 100), (1 << 20, 10)], [(64, 10), (64, 100), (64, 1000)]
    vocabularies = [(VOCABULARY_ELEMENTS // classes, classes, dtype) for classes in (32768, 128256)
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
    forms = [('', lambda: one_by_one), (' in a graph', lambda: capture(step, repeats).replay)]
    for suffix, run in forms if classes <= 1024 else forms[:1]:
        def measure():
            measured = time_gpu(run(), repeats, None if small else flush)
            return dict(gbps=round(floor / measured['us'] / 1e3, 1), **measured)
        attempt(dict(bench='loss', mode=mode + suffix + ('' if dtype == torch.float32 else ' ' + str(dtype)[6:]), rows=rows, classes=classes,
                     cache='warm' if small else 'cold', floor_bytes=floor), measure)


def steps(options):
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not options.fp32
    images = torch.randint(0, 256, (IMAGES, 3, 32, 32), dtype=torch.uint8, device=DEVICE)
    labels = torch.randint(0, 10, (IMAGES,), device=DEVICE)
    order = torch.randperm(IMAGES, device=DEVICE)
    for mode in options.modes.split(','):
        for batch in map(int, options.batches.split(',')):
            # Compiling takes long: in the layout that is the faster one.
            for layout in (torch.channels_last, torch.contiguous_format)[:1 if mode == 'compiled' else 2]:
                for cached in (True, False):
                    row = dict(bench='step', mode=mode, batch=batch, cached=cached, tf32=not options.fp32,
                               bf16=options.bf16, layout='nhwc' if layout == torch.channels_last else 'nchw')
                    attempt(row, lambda: measure_step(mode, batch, layout, cached, images, labels, order, options.bf16))


def measure_step(mode, batch, layout, cached, images, labels, order, bf16):
    torch.manual_seed(0)
    t, m = teacher().to(DEVICE).eval().to(memory_format=layout), student().to(DEVICE).to(memory_format=layout)
    optimizer = torch.optim.Adam(m.parameters(), lr=1e-3, fused=True, capturable=mode == 'graph')
    # The cache of casts would keep the weights of the first step in a graph.
    autocast = lambda: torch.autocast('cuda', torch.bfloat16, enabled=bf16, cache_enabled=False)
    with torch.no_grad(), autocast():
        table = torch.cat([t(normalise(images[i:i + 1000]).contiguous(memory_format=layout)) for i in range(0, IMAGES, 1000)])
    cursor = torch.zeros((), dtype=torch.long, device=DEVICE)
    offsets = torch.arange(batch, device=DEVICE)

    def loss_of(index):
        x = normalise(images[index]).contiguous(memory_format=layout)
        with autocast():
            with torch.no_grad():
                zt = table[index] if cached else t(x)
            z = m(x)
        return distillation_loss(z.float(), zt.float(), labels[index], T, ALPHA)
    if mode == 'compiled':
        torch._dynamo.reset()
        loss_fn = torch.compile(loss_of, mode='reduce-overhead', dynamic=False)
    else:
        loss_fn = loss_of

    def step():
        loss_fn(order[(cursor + offsets) % IMAGES]).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=mode != 'graph')
        cursor.add_(batch)
    if mode == 'graph':
        repeats, run = 10, capture(step, 10).replay
    else:
        repeats = 10

        def run():
            for _ in range(repeats): step()
    measured = time_gpu(run, repeats, limit=0.6)
    return dict(measured, ten_epochs_s=round(measured['us'] * 1e-6 * EPOCHS * -(-IMAGES // batch), 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('command', choices=['versions', 'ceilings', 'loss', 'steps'])
    parser.add_argument('--no-compile', action='store_true', help='leave out what torch.compile takes long for')
    parser.add_argument('--modes', default='graph,eager,compiled')
    parser.add_argument('--batches', default='64,256,1024')
    parser.add_argument('--fp32', action='store_true', help='no TensorFloat-32')
    parser.add_argument('--bf16', action='store_true', help='steps under autocast to bfloat16')
    options = parser.parse_args()
    if options.command == 'versions':
        return versions()
    if not torch.cuda.is_available():
        sys.exit('gpu_peers.py: PyTorch sees no GPU')
    {'ceilings': ceilings, 'loss': lambda: loss(not options.no_compile), 'steps': lambda: steps(options)}[options.command]()


if __name__ == '__main__':
    main()
