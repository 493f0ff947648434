"""Each kind of layer forward and backward, and Adam: PyTorch in float64 on float32 inputs.

Beside each result stands its magnitude, the same sums over absolute values: rounding errors of a
sum are relative to that, not to a result that may have cancelled.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.grad import conv2d_input, conv2d_weight

from golden_hash import integers, symmetric, weights

# No ReLU and no maximum may hang on a difference that float32 could round away.
MARGIN = 1e-5

# Odd and prime extents, one of everything, rows and columns that differ, blocks of 16 just missed.
CASES = [
    dict(name='conv narrow', kind='convolution', input=[3, 8, 6], outputs=4, batch=3),
    dict(name='conv odd', kind='convolution', input=[5, 4, 10], outputs=7, batch=2),
    dict(name='conv smallest', kind='convolution', input=[1, 2, 2], outputs=1, batch=1),
    dict(name='conv past a block', kind='convolution', input=[17, 4, 4], outputs=33, batch=2),
    dict(name='conv blocks', kind='convolution', input=[16, 4, 4], outputs=16, batch=2),
    dict(name='conv ties', kind='convolution', input=[2, 6, 6], outputs=3, batch=4, integers=1),
    dict(name='conv exact', kind='convolution', input=[9, 4, 4], outputs=5, batch=2, integers=8),
    dict(name='linear relu', kind='linear', input=[7], outputs=5, batch=3, relu=True),
    dict(name='linear', kind='linear', input=[13], outputs=10, batch=2, relu=False),
    dict(name='linear smallest', kind='linear', input=[1], outputs=1, batch=1, relu=False),
    dict(name='linear of images', kind='linear', input=[5, 4, 6], outputs=9, batch=2, relu=True),
    dict(name='linear many rows', kind='linear', input=[6], outputs=3, batch=33, relu=True),
    dict(name='linear past a block', kind='linear', input=[33], outputs=17, batch=17, relu=False),
    dict(name='linear blocks', kind='linear', input=[16, 2, 2], outputs=16, batch=4, relu=True),
    dict(name='linear exact', kind='linear', input=[19], outputs=6, batch=5, relu=True, integers=8),
]
ADAM = dict(inputs=7, outputs=5, steps=10, learningRate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8,
            seeds=dict(weight=61, bias=62, weightGradients=1000, biasGradients=2000),
            gradientSizes=[1, 1e-2, 1e-4, 1e-8, 100, 0])


def convolution(x, w, b):
    before = F.conv2d(x, w, b, padding=1)
    return before, F.max_pool2d(F.relu(before), 2)


def linear(x, w, b, relu):
    before = F.linear(x.flatten(1), w, b)
    return before, F.relu(before) if relu else before


def check_margins(case, before):
    """Fails where a ReLU or a maximum is too close to call; ties of exact numbers are meant."""
    if 'integers' in case: return
    if case['kind'] == 'convolution':
        windows = F.relu(before).unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
        top = windows.topk(2).values
        assert (top[..., 0] - top[..., 1] > MARGIN)[top[..., 0] > 0].all(), case['name']
    if case.get('relu', True): assert (before.abs() > MARGIN).all(), case['name']


def magnitudes(case, x, w, b, before):
    """The sums of absolute products behind the output and behind the gradients of input, weight and bias."""
    ax, aw, ab, g = x.abs(), w.abs(), b.abs(), before.grad.abs()
    if case['kind'] == 'convolution':
        return (F.max_pool2d(F.conv2d(ax, aw, ab, padding=1), 2), conv2d_input(x.shape, aw, g, padding=1),
                conv2d_weight(ax, w.shape, g, padding=1), g.sum((0, 2, 3)))
    return F.linear(ax.flatten(1), aw, ab), (g @ aw).reshape(x.shape), g.T @ ax.flatten(1), g.sum(0)


def add_layer(golden, case, seed):
    inputs, outputs, n = case['input'], case['outputs'], case['batch']
    conv = case['kind'] == 'convolution'
    w_shape = [outputs, inputs[0], 3, 3] if conv else [outputs, math.prod(inputs)]
    fan_in = math.prod(w_shape[1:])
    y_shape = [n, outputs, inputs[1] // 2, inputs[2] // 2] if conv else [n, outputs]
    bound = case.get('integers')

    def values(offset, shape, general):
        hashed = integers(seed + offset, math.prod(shape), bound) if bound else general(seed + offset, shape)
        return torch.tensor(hashed.reshape(shape).astype(np.float64), requires_grad=True)
    w = values(0, w_shape, lambda s, shape: weights(s, shape, fan_in))
    b = values(1, [outputs], lambda s, shape: weights(s, shape, fan_in))
    x = values(2, [n, *inputs], lambda s, shape: symmetric(s, math.prod(shape), 1.0))
    dy = values(3, y_shape, lambda s, shape: symmetric(s, math.prod(shape), 1.0)).detach()
    before, y = convolution(x, w, b) if conv else linear(x, w, b, case['relu'])
    before.retain_grad()
    y.backward(dy)
    check_margins(case, before.detach())
    with torch.no_grad():
        results = dict(output=y, inputGradient=x.grad, weightGradient=w.grad, biasGradient=b.grad)
        for (name, value), magnitude in zip(results.items(), magnitudes(case, x, w, b, before)):
            golden.add(f'layer.{case["name"]}.{name}', value.numpy())
            golden.add(f'layer.{case["name"]}.{name}.magnitude', magnitude.numpy(), 'float32')
    return dict(case, seed=seed)


def add_adam(golden):
    """Ten steps on given gradients of very different sizes, of a linear layer's weight and bias."""
    a = ADAM
    shapes = dict(weight=[a['outputs'], a['inputs']], bias=[a['outputs']])
    p = {}
    for key, shape in shapes.items():
        start = weights(a['seeds'][key], shape, a['inputs']).astype(np.float64)
        p[key] = torch.tensor(start, requires_grad=True)
    betas = a['beta1'], a['beta2']
    optimizer = torch.optim.Adam(p.values(), lr=a['learningRate'], betas=betas, eps=a['epsilon'])
    steps = {k: [] for k in shapes}
    for step in range(a['steps']):
        for key, shape in shapes.items():
            count = math.prod(shape)
            sizes = np.resize(a['gradientSizes'], count)
            gradient = symmetric(a['seeds'][f'{key}Gradients'] + step, count, sizes).astype(np.float64)
            p[key].grad = torch.tensor(gradient.reshape(shape))
        optimizer.step()
        for key in shapes: steps[key].append(p[key].detach().numpy().copy())
    for key in shapes:
        golden.add(f'adam.{key}', np.array(steps[key]))
        golden.add(f'adam.{key}.firstMoment', optimizer.state[p[key]]['exp_avg'].numpy())
        golden.add(f'adam.{key}.secondMoment', optimizer.state[p[key]]['exp_avg_sq'].numpy())
    golden.index['adam'] = a


def add_to(golden):
    golden.index['layers'] = [add_layer(golden, case, 500 + 10 * i) for i, case in enumerate(CASES)]
    # What PyTorch makes of each byte of an image, in both precisions: compared bit for bit.
    for dtype in (torch.float32, torch.float64):
        name = str(dtype).removeprefix('torch.')
        golden.add(f'pixels.{name}', ((torch.arange(256).to(dtype) / 255 - 0.5) / 0.5).numpy(), name)
    add_adam(golden)
