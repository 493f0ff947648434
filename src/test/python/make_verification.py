#!/usr/bin/env python3
"""Writes the PyTorch numbers that `distill-cuda verify` compares a device with.

Images, labels and initial weights come from an integer hash that train/Verification.java codes too, so
that only results are stored. Everything is computed in float64. Running it again gives the same file:

    python3 src/test/python/make_verification.py
"""
import json, pathlib
import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / 'main/resources/io/github/distillcuda/train/verification.json'
TEACHER, STUDENT = (8, 12, 16), (4, 6, 8)
IMAGES, BATCH, STEPS, T, ALPHA, LR = 96, 16, 20, 5.0, 0.7, 1e-3
IMAGE_SEED, LABEL_SEED, TEACHER_SEED, STUDENT_SEED, ADAM_SEED = 1, 2, 3, 4, 5


def hashed(seed, count):
    """SplitMix64's finaliser of seed * golden ratio + index."""
    with np.errstate(over='ignore'):
        x = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.arange(count, dtype=np.uint64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def uniform(seed, count):
    return (hashed(seed, count) >> np.uint64(40)).astype(np.float64) / (1 << 24)


class Net(nn.Module):
    def __init__(self, c1, c2, hidden):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, c1, 3, padding=1), nn.Conv2d(c1, c2, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(c2 * 64, hidden), nn.Linear(hidden, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def network(widths, seed, gain):
    """Weights float32((2u - 1) * gain / sqrt(fan_in)), u drawn over all parameters in state-dict order."""
    net = Net(*widths).double()
    count = sum(p.numel() for p in net.parameters())
    u, at = uniform(seed, count), 0
    for layer in (net.conv1, net.conv2, net.fc1, net.fc2):
        fan_in = layer.weight[0].numel()
        for p in (layer.weight, layer.bias):
            values = ((2 * u[at:at + p.numel()] - 1) * (gain / np.sqrt(fan_in))).astype(np.float32)
            p.data = torch.from_numpy(values.astype(np.float64)).reshape(p.shape)
            at += p.numel()
    return net


def loss_terms(z, v, y, t):
    kd = t * t * F.kl_div(F.log_softmax(z / t, 1), F.log_softmax(v / t, 1), reduction='batchmean', log_target=True)
    return kd, F.cross_entropy(z, y)


def loss_cases():
    golden = ([[1, 2, 3], [0, 0, 0]], [[3, 1, 0], [0, 2, 0]], [2, 1], 5.0, 0.7)
    cases = [golden]
    for i, (classes, t, alpha) in enumerate([(10, 1.0, 0.5), (10, 20.0, 0.9), (100, 4.0, 0.1), (10, 5.0, 1.0), (10, 5.0, 0.0)]):
        n = 5
        z = (8 * uniform(100 + i, n * classes) - 4).astype(np.float32).reshape(n, classes)
        v = (8 * uniform(200 + i, n * classes) - 4).astype(np.float32).reshape(n, classes)
        y = (hashed(300 + i, n) % np.uint64(classes)).astype(int)
        cases.append((z.tolist(), v.tolist(), y.tolist(), t, alpha))
    out = []
    for z, v, y, t, alpha in cases:
        zt = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        kd, ce = loss_terms(zt, torch.tensor(v, dtype=torch.float64), torch.tensor(y), t)
        (alpha * kd + (1 - alpha) * ce).backward()
        out.append(dict(temperature=t, alpha=alpha, classes=len(z[0]), student=sum(z, []), teacher=sum(v, []), labels=y,
                        distillation=kd.item() if alpha > 0 else 0.0, crossEntropy=ce.item() if alpha < 1 else 0.0,
                        gradient=zt.grad.flatten().tolist()))
    return out


def adam():
    """Three steps from 0 on gradients of 1 and down to less than Adam's epsilon."""
    w = nn.Parameter(torch.zeros(21, dtype=torch.float64))
    optimizer = torch.optim.Adam([w], lr=LR)
    for step in range(3):
        gradient = (2 * uniform(ADAM_SEED + step, 21) - 1) * 2.0 ** (-4 * (np.arange(21) % 8))
        w.grad = torch.from_numpy(gradient.astype(np.float32).astype(np.float64))
        optimizer.step()
    return w.detach().tolist()


def trajectory():
    images = (hashed(IMAGE_SEED, IMAGES * 3072) >> np.uint64(56)).astype(np.float64).reshape(IMAGES, 3, 32, 32)
    x = torch.from_numpy((images / 255 - 0.5) / 0.5)
    y = torch.from_numpy((hashed(LABEL_SEED, IMAGES) % np.uint64(10)).astype(np.int64))
    teacher, student = network(TEACHER, TEACHER_SEED, 3.0), network(STUDENT, STUDENT_SEED, 1.0)
    initial = {name: p.detach().clone() for name, p in student.named_parameters()}
    optimizer = torch.optim.Adam(student.parameters(), lr=LR)
    with torch.no_grad():
        v = teacher(x)
    losses = []
    for step in range(STEPS):
        at = step * BATCH % IMAGES
        kd, ce = loss_terms(student(x[at:at + BATCH]), v[at:at + BATCH], y[at:at + BATCH], T)
        loss = ALPHA * kd + (1 - ALPHA) * ce
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        losses.append(loss.item())
    # Seven digits: a device knows its changes from the difference of two float32 parameters, less exactly.
    changes = {name: [float(f'{c:.7g}') for c in (p.detach() - initial[name]).flatten().tolist()]
               for name, p in student.named_parameters()}
    return dict(losses=losses, changes=changes)


if __name__ == '__main__':
    OUT.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    OUT.write_text(json.dumps(dict(torch=torch.__version__, losses=loss_cases(), adam=adam(), trajectory=trajectory()), indent=0) + '\n')
    print(OUT, OUT.stat().st_size, 'bytes')
