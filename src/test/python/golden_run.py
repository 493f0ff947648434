"""A whole run in float64 PyTorch: teacher, baseline and student, and what is reported of each.

Weights and orders come from the project's generator, which is written down where it is coded
(SplitMix64, InitialWeights, EpochOrder, DistillationRun) and coded here from those words.
"""
import hashlib
import math

import numpy as np
import torch

from golden_hash import images, labels
from golden_losses import torch_loss
from golden_training import Net, flat

# Few weights, which still learn. A tail of 12 rows ends each epoch; T and alpha are not the defaults, nor
# is alpha 1 - alpha. The seed is one of which no two numbers are alike: see check_differences.
RUN = dict(
    teacher=[4, 5, 7], student=[3, 4, 5], classes=10, train=76, test=53, batch=16, teacherEpochs=4, epochs=2,
    temperature=2.5, alpha=0.3, learningRate=3e-2, seed=1028,
    seeds=dict(trainImages=81, trainLabels=83, testImages=85, testLabels=87))
# The class shows in these rows of its images, bright in every channel: learnable in a few steps.
ROWS_OF_A_CLASS = 3
BRIGHT = 0xC0
# No prediction may hang on less than the saved weights lose when they become float32.
MARGIN = 1e-5
WORD = (1 << 64) - 1
GOLDEN_RATIO = 0x9E3779B97F4A7C15


def mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & WORD
    return z ^ (z >> 31)


def bits(state):
    """SplitMix64: a counter that is stepped by the golden ratio and mixed."""
    while True:
        state = state + GOLDEN_RATIO & WORD
        yield mix(state)


def below(bound, random):
    """Lemire's unbiased draw from 32 bits."""
    while True:
        product = (next(random) >> 32) * bound
        if product % 2**32 >= 2**32 % bound: return product >> 32


def epoch_order(seed, epoch, count):
    """Fisher and Yates from the last image down."""
    ids, random = list(range(count)), bits(mix(mix(seed + GOLDEN_RATIO & WORD) ^ epoch))
    for last in range(count - 1, 0, -1):
        other = below(last + 1, random)
        ids[last], ids[other] = ids[other], ids[last]
    return ids


def initial_network(widths, seed):
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases alike, in state-dict order, float32."""
    net, random = Net(widths, 0), bits(seed)
    for name, p in net.parameters.items():
        if name.endswith('weight'): bound = 1 / math.sqrt(math.prod(p.shape[1:]))
        values = [(2 * ((next(random) >> 11) * 2.0**-53) - 1) * bound for _ in range(p.numel())]
        p.data = torch.tensor(np.array(values, dtype=np.float32)).double().reshape(p.shape)
    return net


class DataSet:
    def __init__(self, part):
        count, seeds = RUN[part], RUN['seeds']
        y = labels(seeds[f'{part}Labels'], count, RUN['classes'])
        pixels = images(seeds[f'{part}Images'], count)
        for image, label in zip(pixels, y):
            first = ROWS_OF_A_CLASS * label
            image[:, first:first + ROWS_OF_A_CLASS] |= BRIGHT
        self.sha256 = hashlib.sha256(b''.join(bytes([c]) + image.tobytes() for image, c in zip(pixels, y))).hexdigest()
        self.images = (torch.tensor(pixels).double() / 255 - 0.5) / 0.5
        self.labels = torch.tensor(y)

    def logits(self, net):
        with torch.no_grad(): return net.forward(self.images)

    def predictions(self, net):
        top = self.logits(net).topk(2).values
        assert (top[:, 0] - top[:, 1]).min() > MARGIN
        return self.logits(net).argmax(1)

    def accuracy(self, net):
        return (self.predictions(net) == self.labels).double().mean().item()


class Run:
    def __init__(self):
        self.train_set, self.test_set = DataSet('train'), DataSet('test')
        random = bits(RUN['seed'])
        teacher, student = next(random), next(random)
        self.seeds = dict(teacher=teacher, baseline=student, student=student)
        self.teacher = None
        self.history, self.results, self.saved = [], {}, {}

    def epoch(self, epoch, net, optimizer, temperature, alpha):
        """The sums over the rows of loss, T^2*KL and cross-entropy, and how many rows are right."""
        ids, batch, sums, right = epoch_order(RUN['seed'], epoch, RUN['train']), RUN['batch'], np.zeros(3), 0
        teacher_logits = self.train_set.logits(self.teacher) if alpha else None
        for rows in (ids[start:start + batch] for start in range(0, len(ids), batch)):
            z, y = net.forward(self.train_set.images[rows]), self.train_set.labels[rows]
            v = teacher_logits[rows] if alpha else None
            loss = torch_loss(z, v, y, temperature, alpha)
            terms = loss, torch_loss(z, v, y, temperature, 1) if alpha else torch.zeros(()), torch_loss(z, v, y, 1, 0)
            sums += len(rows) * np.array([term.item() for term in terms])
            right += (z.argmax(1) == y).sum().item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [*((sums / len(ids)).tolist()), right / len(ids)]

    def train(self, model, widths, epochs, temperature, alpha):
        net = initial_network(widths, self.seeds[model])
        optimizer = torch.optim.Adam(net.parameters.values(), lr=RUN['learningRate'])
        steps, records = math.ceil(RUN['train'] / RUN['batch']), []
        for epoch in range(1, epochs + 1):
            loss, kd, ce, accuracy = self.epoch(epoch, net, optimizer, temperature, alpha)
            records.append(dict(model=model, epoch=epoch, step=epoch * steps, loss=loss, kd=kd, ce=ce,
                                trainAccuracy=accuracy, testAccuracy=self.test_set.accuracy(net)))
        # What a run says of a model that is done is of the file, which holds float32.
        for p in net.parameters.values(): p.data = p.data.float().double()
        self.saved[model] = flat(net.parameters.values())
        last = self.test_set.accuracy(net)
        best = max(last, *(r['testAccuracy'] for r in records))
        result = dict(parameters=len(self.saved[model]), bestTestAccuracy=best, lastTestAccuracy=last,
                      finalLoss=records[-1]['loss'])
        if self.teacher is None:
            self.teacher = net
        else:
            alike = self.test_set.predictions(net) == self.test_set.predictions(self.teacher)
            result['agreementWithTeacher'] = alike.double().mean().item()
        self.history += records
        self.results[model] = result


def check_differences(run):
    """Fails where two numbers are alike that a mistake could put in each other's place."""
    results = list(run.results.values())
    shares = [r['lastTestAccuracy'] for r in results] + [r['agreementWithTeacher'] for r in results[1:]]
    best = [r['bestTestAccuracy'] for r in results]
    assert len(set(shares)) == len(shares) and len(set(best)) == len(best), (shares, best)
    assert any(r['bestTestAccuracy'] > r['lastTestAccuracy'] for r in results), results
    assert all(r['trainAccuracy'] != r['testAccuracy'] and r['loss'] > 0.1 for r in run.history), run.history
    assert all(r['kd'] > 1 for r in run.history if r['model'] == 'student'), run.history


def add_to(golden):
    run = Run()
    run.train('teacher', RUN['teacher'], RUN['teacherEpochs'], 1, 0)
    run.train('baseline', RUN['student'], RUN['epochs'], 1, 0)
    run.train('student', RUN['student'], RUN['epochs'], RUN['temperature'], RUN['alpha'])
    check_differences(run)
    golden.index['run'] = dict(RUN, brightRows=ROWS_OF_A_CLASS, bright=BRIGHT, sha256=run.train_set.sha256)
    golden.index['runHistory'] = run.history
    golden.index['runResults'] = run.results
    golden.add('run.student.parameters', run.saved['student'], 'float32')
