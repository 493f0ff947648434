"""100 distillation steps in float64 PyTorch, and single steps from its own state in float32."""
import math

import numpy as np
import torch
import torch.nn.functional as F

from golden_hash import images, labels, order, weights
from golden_losses import ALPHA, torch_loss

TRAINING = dict(
    teacher=[8, 12, 16], student=[4, 6, 8], classes=10, images=200, batch=16, steps=100,
    temperature=5.0, alpha=ALPHA, learningRate=1e-3, snapshots=[1, 25, 50, 100],
    # Scales the teacher's last layer, so that its soft targets differ from image to image.
    teacherGain=32.0,
    seeds=dict(images=71, labels=73, order=7300, teacher=7690, student=8310))
# In the snapshots no ReLU and no maximum may hang on less than float32 can tell apart.
MARGIN = 1e-6


class Net:
    """The published network: parameters by their state-dict names, in the order of the layers."""

    def __init__(self, widths, seed, gain=1.0):
        c1, c2, hidden = widths
        shapes = dict(conv1=[c1, 3, 3, 3], conv2=[c2, c1, 3, 3], fc1=[hidden, c2 * 64],
                      fc2=[TRAINING['classes'], hidden])
        self.parameters = {}
        for i, (name, shape) in enumerate(shapes.items()):
            fan_in, scale = math.prod(shape[1:]), np.float32(gain if name == 'fc2' else 1)
            for j, (part, extent) in enumerate((('weight', shape), ('bias', shape[:1]))):
                values = scale * weights(seed + 2 * i + j, extent, fan_in)
                self.parameters[f'{name}.{part}'] = torch.tensor(values.astype(np.float64), requires_grad=True)

    def forward(self, x, margins=None):
        p = self.parameters
        for layer in ('conv1', 'conv2'):
            x = F.conv2d(x, p[f'{layer}.weight'], p[f'{layer}.bias'], padding=1)
            if margins is not None: margins.append(pool_margin(x))
            x = F.max_pool2d(F.relu(x), 2)
        x = F.linear(x.flatten(1), p['fc1.weight'], p['fc1.bias'])
        if margins is not None: margins.append(x.abs().min().item())
        return F.linear(F.relu(x), p['fc2.weight'], p['fc2.bias'])


def pool_margin(before):
    """The smallest distance of a window's winner from zero and from the runner-up."""
    top = before.detach().unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).topk(2).values
    return min(top[..., 0].abs().min().item(), (top[..., 0] - top[..., 1])[top[..., 0] > 0].min().item())


def flat(tensors):
    return np.concatenate([t.detach().numpy().ravel() for t in tensors])


class Training:
    def __init__(self):
        t, seeds = TRAINING, TRAINING['seeds']
        self.images = (torch.tensor(images(seeds['images'], t['images'])).double() / 255 - 0.5) / 0.5
        self.labels = torch.tensor(labels(seeds['labels'], t['images'], t['classes']))
        with torch.no_grad():
            self.teacher_logits = Net(t['teacher'], seeds['teacher'], t['teacherGain']).forward(self.images)
        self.epoch = math.ceil(t['images'] / t['batch'])
        self.student = Net(t['student'], seeds['student'])
        self.optimizer = self.adam(self.student)

    @staticmethod
    def adam(net):
        return torch.optim.Adam(net.parameters.values(), lr=TRAINING['learningRate'])

    def step(self, number, net, optimizer, margins=None):
        """Takes one step, counted from 1; returns the mean of each term and the loss."""
        epoch, position = divmod(number - 1, self.epoch)
        batch = TRAINING['batch']
        ids = order(TRAINING['seeds']['order'] + epoch, TRAINING['images'])[position * batch:(position + 1) * batch]
        z, v, y = net.forward(self.images[ids], margins), self.teacher_logits[ids], self.labels[ids]
        losses = [torch_loss(z, v, y, TRAINING['temperature'], alpha) for alpha in (1, 0, TRAINING['alpha'])]
        optimizer.zero_grad()
        losses[2].backward()
        optimizer.step()
        return [loss.item() for loss in losses]

    def snapshot(self, golden, number):
        """One step from the present state rounded to float32, which every backend can start from."""
        net = Net(TRAINING['student'], 0)
        optimizer = self.adam(net)
        for name, p in net.parameters.items():
            live = self.student.parameters[name]
            zero = torch.zeros_like(live)
            state = self.optimizer.state.get(live, dict(exp_avg=zero, exp_avg_sq=zero))
            p.data = live.detach().float().double()
            optimizer.state[p] = {key: state[key].float().double() for key in ('exp_avg', 'exp_avg_sq')}
            optimizer.state[p]['step'] = torch.tensor(float(number - 1))
        parameters = list(net.parameters.values())
        states = [optimizer.state[p] for p in parameters]
        start = dict(parameters=parameters, firstMoments=[s['exp_avg'] for s in states],
                     secondMoments=[s['exp_avg_sq'] for s in states])
        for name, tensors in start.items(): golden.add(f'snapshot.{number}.{name}', flat(tensors), 'float32')
        margins = []
        golden.add(f'snapshot.{number}.losses', self.step(number, net, optimizer, margins))
        print(f'step {number}: smallest margins {margins}')
        assert min(margins) > MARGIN, margins
        golden.add(f'snapshot.{number}.gradients', flat(p.grad for p in parameters))
        golden.add(f'snapshot.{number}.updated', flat(parameters))


def add_to(golden):
    training, losses = Training(), []
    for number in range(1, TRAINING['steps'] + 1):
        if number in TRAINING['snapshots']: training.snapshot(golden, number)
        losses.append(training.step(number, training.student, training.optimizer))
    golden.index['training'] = TRAINING
    golden.add('training.teacherLogits', training.teacher_logits.numpy())
    golden.add('training.losses', losses)
    golden.add('training.parameters', flat(training.student.parameters.values()))
