"""The distillation loss: single rows, whole batches, and inputs that break naive code.

Two oracles. PyTorch in float64 is one. Where the loss's terms cancel (large T, a student near its
teacher) float64 PyTorch itself loses its digits, and for some infinite logits it has NaN where the
limit is known; there the definition in 60-digit arithmetic takes its place. Every loss is computed
by both, and each section of the index says which one it holds.
"""
import math

import mpmath
import numpy as np
import torch
import torch.nn.functional as F

from golden_hash import labels as hash_labels, symmetric, uniform

NO_LABEL = -100
ALPHA = 0.7
INF, NAN = math.inf, math.nan
FLOAT_KEYS = 'temperature', 'alpha', 'spread', 'nearness'
SUM_KEYS = 'distillation', 'crossEntropy', 'loss'

ROW_SEEDS = dict(student=100_000, teacher=200_000)
BATCH_SEEDS = dict(student=31, teacher=32, labels=33)


# ---- PyTorch

def torch_loss(z, v, labels, temperature, alpha):
    """alpha*T^2*KL + (1-alpha)*CE, each a mean, a term without weight left out. The mean over the labelled
    rows is written out: PyTorch's own is NaN where there is none, the project's is 0."""
    terms = []
    if alpha > 0:
        kl = F.kl_div(F.log_softmax(z / temperature, 1), F.softmax(v / temperature, 1), reduction='batchmean')
        terms.append(alpha * (kl * temperature**2))
    if alpha < 1:
        labelled = (labels != NO_LABEL).sum().clamp(min=1)
        terms.append((1 - alpha) * (F.cross_entropy(z, labels, reduction='sum') / labelled))
    return sum(terms)


def by_torch(z, v, labels, temperature, alpha):
    """The sums of both terms over the rows, the mean loss and its gradient."""
    def tensor(x): return torch.tensor(np.asarray(x, dtype=np.float64))
    z, v, y = tensor(z).requires_grad_(), None if v is None else tensor(v), torch.tensor(labels)
    loss = torch_loss(z, v, y, temperature, alpha)
    loss.backward()
    with torch.no_grad():
        labelled = int((y != NO_LABEL).sum())
        distillation = torch_loss(z, v, y, temperature, 1).item() * len(y) if alpha > 0 else 0.0
        cross_entropy = torch_loss(z, v, y, temperature, 0).item() * labelled if alpha < 1 else 0.0
    return dict(distillation=distillation, crossEntropy=cross_entropy, loss=loss.item(), gradient=z.grad.numpy())


# ---- 60 digits

def exact_softmax(x, temperature):
    """Probabilities and their logarithms; -inf is a class of probability 0. None where there is no softmax."""
    if any(math.isnan(a) or a == INF for a in x) or all(a == -INF for a in x): return None
    scaled = [mpmath.mpf(float(a)) / mpmath.mpf(temperature) for a in x]
    top = max(scaled)
    scaled = [a - top for a in scaled]
    log_sum = mpmath.log(mpmath.fsum(mpmath.exp(a) for a in scaled))
    return [mpmath.exp(a - log_sum) for a in scaled], [a - log_sum for a in scaled]


def exact_distillation(z, v, temperature):
    """T^2*KL of a row, and T*(p - q)."""
    student, teacher = exact_softmax(z, temperature), exact_softmax(v, temperature)
    if student is None or teacher is None: return mpmath.nan, [mpmath.nan] * len(z)
    (p, log_p), (q, log_q) = student, teacher
    kl = mpmath.fsum(b * (lb - la) for la, b, lb in zip(log_p, q, log_q) if b != 0)
    return mpmath.mpf(temperature)**2 * kl, [temperature * (a - b) for a, b in zip(p, q)]


def exact_cross_entropy(z, label):
    """-log s[label] of a row, and s - onehot."""
    student = exact_softmax(z, 1)
    if student is None: return mpmath.nan, [mpmath.nan] * len(z)
    s, log_s = student
    return -log_s[label], [a - (c == label) for c, a in enumerate(s)]


def exactly(z, v, labels, temperature, alpha):
    """What by_torch computes, with the rules that decide where PyTorch has NaN: alpha 0 does not read the
    teacher, alpha 1 not the labels, and without any labelled row the cross-entropy is 0. And for each row
    the size of its gradient's parts before they cancel, which tolerances are relative to."""
    n, classes, labelled = len(labels), len(z[0]), sum(y != NO_LABEL for y in labels)
    absent = mpmath.mpf(0), [mpmath.mpf(0)] * classes
    soft = [exact_distillation(a, b, temperature) for a, b in zip(z, v)] if alpha > 0 else [absent] * n
    hard = [exact_cross_entropy(a, y) if alpha < 1 and y != NO_LABEL else absent for a, y in zip(z, labels)]
    a, b = mpmath.mpf(alpha) / n, (1 - mpmath.mpf(alpha)) / max(labelled, 1)
    distillation, cross_entropy = mpmath.fsum(s[0] for s in soft), mpmath.fsum(h[0] for h in hard)
    loss = (a * distillation if alpha > 0 else 0) + (b * cross_entropy if alpha < 1 else 0)
    gradient = [[float(a * x + b * y) for x, y in zip(s[1], h[1])] for s, h in zip(soft, hard)]
    scale = [float(a * max(map(abs, s[1])) + b * max(map(abs, h[1]))) for s, h in zip(soft, hard)]
    return dict(distillation=float(distillation), crossEntropy=float(cross_entropy), loss=float(loss),
                gradient=np.array(gradient), scale=scale)


def check_oracles(what, pytorch, exact, tolerance):
    """The two must agree where PyTorch's is the one that is stored, as far as float64 reaches."""
    for key in SUM_KEYS:
        error = abs(pytorch[key] - exact[key])
        assert error <= tolerance * (1 + abs(exact[key])), (what, key, pytorch[key], exact[key])
    bound = tolerance * np.maximum(np.array(exact['scale'])[:, None], 1e-3)
    assert (np.abs(pytorch['gradient'] - exact['gradient']) <= bound).all(), what


# ---- Fixtures

def row_logits(index, classes, spread, nearness):
    """Teacher and student of one row; with nearness the student is the teacher plus as much noise."""
    v = symmetric(ROW_SEEDS['teacher'] + index, classes, spread)
    noise = symmetric(ROW_SEEDS['student'] + index, classes, nearness or spread)
    return (v + noise if nearness else noise), v


def random_rows():
    """300 rows of everyday sizes, where PyTorch in float64 keeps 12 digits."""
    for r, (c, t, a, s) in enumerate(zip(*(uniform(seed, 300) for seed in (21, 22, 23, 24)))):
        yield dict(classes=2 + int(99 * c), temperature=0.5 * 40**t, spread=0.5 * 200**s, nearness=0,
                   alpha={0: 0, 1: 1}.get(r % 10, a), label=NO_LABEL if r % 7 == 3 and r % 10 else None)


def extreme_rows():
    """Every temperature that is promised, with logits up to 1e4 and students nearly equal to their teachers;
    then numbers of classes around the widths of vector units."""
    def row(classes, temperature, spread, nearness, alpha):
        return dict(classes=classes, temperature=temperature, spread=spread, nearness=nearness, alpha=alpha, label=None)
    for temperature in (1e-3, 1e-2, 0.1, 1, 5, 100, 1e3, 1e4, 1e6):
        for spread, nearness in ((3, 0), (1e4, 0), (3, 0.1), (3, 1e-3)):
            for alpha in (ALPHA, 1): yield row(10, temperature, spread, nearness, alpha)
    for classes in (1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000): yield row(classes, 5, 5, 0, ALPHA)


def add_rows(golden):
    everyday = list(random_rows())
    rows, results = everyday + list(extreme_rows()), []
    for index, row in enumerate(rows):
        for key in FLOAT_KEYS: row[key] = float(np.float32(row[key]))
        # Labels are bytes on the Java side.
        if row['label'] is None: row['label'] = int(hash_labels(25, index + 1, min(row['classes'], 128))[index])
        z, v = row_logits(index, row['classes'], row['spread'], row['nearness'])
        case = [z.tolist()], [v.tolist()], [row['label']], row['temperature'], row['alpha']
        exact = exactly(*case)
        if index < len(everyday):
            pytorch = by_torch(*case)
            check_oracles(f'row {index}', pytorch, exact, 1e-12)
            exact = dict(pytorch, scale=exact['scale'])
        results.append(exact)
    oracle = f'the first {len(everyday)} rows PyTorch in float64, the others 60 digits'
    golden.index['lossRows'] = dict(count=len(rows), seeds=ROW_SEEDS, oracle=oracle)
    for key in ('classes', 'label'): golden.add(f'lossRows.{key}', [row[key] for row in rows], 'int32')
    for key in FLOAT_KEYS: golden.add(f'lossRows.{key}', [row[key] for row in rows], 'float32')
    for key in SUM_KEYS: golden.add(f'lossRows.{key}', [result[key] for result in results])
    golden.add('lossRows.gradientScale', [result['scale'][0] for result in results])
    golden.add('lossRows.gradient', np.concatenate([result['gradient'][0] for result in results]))


def add_batches(golden):
    """Batches around the widths of vector units; every sixth row has no label."""
    sizes, classes, temperature, spread = (1, 31, 32, 33, 127), 10, 5.0, 4.0
    z = symmetric(BATCH_SEEDS['student'], 127 * classes, spread).reshape(127, classes)
    v = symmetric(BATCH_SEEDS['teacher'], 127 * classes, spread).reshape(127, classes)
    y = hash_labels(BATCH_SEEDS['labels'], 127, classes).tolist()
    y[5::6] = [NO_LABEL] * len(y[5::6])
    golden.index['lossBatches'] = dict(
        sizes=sizes, classes=classes, temperature=temperature, alpha=ALPHA, spread=spread, seeds=BATCH_SEEDS,
        unlabelled='every sixth row', oracle='PyTorch in float64')
    for n in sizes:
        case = z[:n].tolist(), v[:n].tolist(), y[:n], temperature, ALPHA
        result, exact = by_torch(*case), exactly(*case)
        check_oracles(f'batch {n}', result, exact, 1e-12)
        golden.add(f'lossBatches.{n}.sums', [result[key] for key in SUM_KEYS])
        golden.add(f'lossBatches.{n}.gradient', result['gradient'])
        golden.add(f'lossBatches.{n}.gradientScale', exact['scale'])


def adversarial_cases():
    """name, student, teacher, labels, T, alpha."""
    big, opposed = [1e4, 0, -1e4], [-1e4, 0, 1e4]
    mild, other = [2, -1, 0.5], [1.5, 0, -1]
    yield 'golden case', [[1, 2, 3], [0, 0, 0]], [[3, 1, 0], [0, 2, 0]], [2, 1], 5, ALPHA
    yield 'saturated and right', [[1e4, -1e4, 0]], None, [0], 1, 0
    yield 'saturated and wrong', [big], None, [2], 1, 0
    yield 'large equal logits', [[3e4] * 10], [[-3e4] * 10], [7], 5, ALPHA
    yield 'opposed', [big], [opposed], [0], 4, 0.9
    yield 'opposed, T = 1e-3', [big], [opposed], [0], 1e-3, ALPHA
    yield 'opposed, T = 1e6', [big], [opposed], [0], 1e6, ALPHA
    yield 'a quotient that overflows', [[3e38, 0, -1e38]], [[3e38, 0, -1e38]], [0], 1e-3, ALPHA
    yield 'large logits a unit apart', [[1e4, 1e4 - 2**-10, 0]], [[1e4 - 2**-10, 1e4, 0]], [0], 3e-3, ALPHA
    yield 'saturating T', [mild], [other], [0], 1e-3, 1
    yield 'T = 1e3', [mild], [other], [0], 1e3, 0.9
    yield 'T = 1e6', [mild], [other], [0], 1e6, 0.9
    yield 'equal', [mild, big], [mild, big], [0, 1], 5, ALPHA
    yield 'equal, T = 1e6', [mild], [mild], [0], 1e6, 1
    yield 'one class', [[3]], [[-2]], [0], 5, ALPHA
    yield 'student -inf beside the label', [[-INF, 1, 2]], None, [2], 1, 0
    yield 'student -inf at the label', [[-INF, 1, 2]], None, [0], 1, 0
    yield 'student -inf, teacher finite', [[-INF, 1, 2]], [[1, 2, 3]], [2], 5, ALPHA
    yield 'student finite, teacher -inf', [[1, 2, 3]], [[-INF, 1, 2]], [2], 5, ALPHA
    yield 'both -inf', [[-INF, 1, 2]], [[-INF, 3, 1]], [2], 5, ALPHA
    yield 'all -inf', [[-INF] * 3], None, [0], 1, 0
    yield 'student inf', [[1, INF, 2]], [[1, 2, 3]], [2], 5, ALPHA
    yield 'student NaN in one row of two', [[1, NAN, 2], [1, 2, 3]], [[1, 2, 3]] * 2, [2, 1], 5, ALPHA
    yield 'teacher NaN', [[1, 2, 3]], [[NAN, 1, 2]], [2], 5, ALPHA
    yield 'teacher inf', [[1, 2, 3]], [[INF, 1, 2]], [2], 5, 1
    yield 'teacher NaN, alpha 0', [[1, 2, 3]], [[NAN] * 3], [2], 5, 0
    yield 'student -inf, alpha 0', [[-INF, 1, 2]], [[-INF, 1, 2]], [1], 5, 0
    yield 'no label, alpha 1', [[1, 2, 3]], [[3, 1, 0]], [NO_LABEL], 5, 1
    yield 'no label, alpha 0', [[1, 2, 3]], None, [NO_LABEL], 1, 0
    yield 'no label in any row', [[1, 2, 3], [3, 1, 0]], [[3, 1, 0], [1, 1, 1]], [NO_LABEL] * 2, 5, ALPHA
    yield 'no label in one row of two', [[1, 2, 3], [0, 0, 0]], [[3, 1, 0], [0, 2, 0]], [NO_LABEL, 1], 5, ALPHA
    yield 'no label and inf', [[INF, 0, 1], [1, 2, 3]], None, [NO_LABEL, 1], 1, 0
    yield 'no label and NaN', [[NAN, 0, 1], [1, 2, 3]], None, [NO_LABEL, 1], 1, 0


def add_adversarial(golden):
    cases = []
    for name, z, v, y, temperature, alpha in adversarial_cases():
        as32 = [None if x is None else np.array(x, dtype=np.float32).astype(np.float64).tolist() for x in (z, v)]
        exact, pytorch = exactly(*as32, y, temperature, alpha), by_torch(*as32, y, temperature, alpha)
        read = [a for row in as32[0] for a in row] + ([a for row in as32[1] for a in row] if alpha > 0 else [])
        cases.append(dict(
            name=name, temperature=temperature, alpha=alpha, student=as32[0], teacher=as32[1], labels=y,
            finite=all(map(math.isfinite, read)), pytorchLoss=pytorch['loss'],
            distillation=exact['distillation'], crossEntropy=exact['crossEntropy'], loss=exact['loss'],
            gradient=exact['gradient'].tolist(), gradientScale=exact['scale']))
    golden.index['adversarialOracle'] = '60 digits; pytorchLoss is float64 PyTorch, to compare'
    golden.index['adversarialLosses'] = cases


def add_to(golden):
    add_rows(golden)
    add_batches(golden)
    add_adversarial(golden)
