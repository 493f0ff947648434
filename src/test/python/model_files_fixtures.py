"""Writes the model files that the Java tests read, as PyTorch and safetensors write them.

Usage: python3 model_files_fixtures.py [FOLDER]     (default: ../resources/model-files)

Needs torch, safetensors and numpy. The values come from `value`, an integer hash that the Java side
(ModelFilesFixtureTest) computes too, so no expected values are stored. All are multiples of 1/64 of
at most 8 bits: float16 and bfloat16 hold them exactly, and a wrong conversion cannot hide behind a
tolerance. The same PyTorch writes the same bytes again, except for refused-old-format.pth, in which
it puts a memory address.
"""

import os
import sys
import warnings

import safetensors.torch
import torch
from torch import nn

SHAPES = {
    "conv1.weight": (2, 3, 3, 3),
    "conv1.bias": (2,),
    "conv2.weight": (3, 2, 3, 3),
    "conv2.bias": (3,),
    "fc1.weight": (4, 12),
    "fc1.bias": (4,),
    "fc2.weight": (10, 4),
    "fc2.bias": (10,),
}


def value(tensor, element):
    """The element of the tensor of this number, the same in Java."""
    x = (tensor * 0x9E3779B1 + element * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 0x45D9F3B) & 0xFFFFFFFF
    x ^= x >> 16
    return ((x & 0xFF) - 128) / 64


def tensor(number, shape, dtype=torch.float32):
    elements = 1
    for extent in shape:
        elements *= extent
    return torch.tensor([value(number, i) for i in range(elements)], dtype=dtype).reshape(shape)


class Net(nn.Module):
    """The two-convolution network of the project, with widths small enough to commit."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 2, 3, padding=1)
        self.conv2 = nn.Conv2d(2, 3, 3, padding=1)
        self.fc1 = nn.Linear(12, 4)
        self.fc2 = nn.Linear(4, 10)

    def forward(self, images):
        pooled = torch.max_pool2d(torch.relu(self.conv1(images)), 2)
        pooled = torch.max_pool2d(torch.relu(self.conv2(pooled)), 2)
        return self.fc2(torch.relu(self.fc1(pooled.flatten(1))))


def net():
    model = Net()
    with torch.no_grad():
        for number, (name, parameter) in enumerate(model.named_parameters()):
            assert tuple(parameter.shape) == SHAPES[name]
            parameter.copy_(tensor(number, SHAPES[name]))
    return model


def arrays(dtype=torch.float32):
    return {name: tensor(n, shape, dtype) for n, (name, shape) in enumerate(SHAPES.items())}


def trained_once(model):
    """An Adam whose state holds tensors of several types, as a training checkpoint has it."""
    torch.manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.0)  # lr 0: the weights stay the hash
    model(torch.zeros(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    return optimizer


def one_storage():
    """All tensors as views of one flat storage, with a gap before and after."""
    flat = torch.full((5,), 99.0)
    parts = [t.flatten() for t in arrays().values()]
    flat = torch.cat([flat, *parts, torch.full((7,), 77.0)])
    views, offset = {}, 5
    for name, shape in SHAPES.items():
        size = parts[len(views)].numel()
        views[name] = flat[offset : offset + size].view(shape)
        offset += size
    return views


def transposed():
    """The same values, each tensor with its axes swapped in memory."""
    swapped = {}
    for name, t in arrays().items():
        if t.dim() == 4:
            swapped[name] = t.contiguous(memory_format=torch.channels_last)
        elif t.dim() == 2:
            swapped[name] = t.t().contiguous().t()
        else:
            swapped[name] = t
        assert torch.equal(swapped[name], t)
    assert not swapped["conv1.weight"].is_contiguous()
    return swapped


def write_accepted(folder):
    def save(name, content, **options):
        torch.save(content, os.path.join(folder, name + ".pth"), **options)

    for label, dtype in DTYPES.items():
        save("plain-" + label, net().to(dtype).state_dict())
        safetensors.torch.save_file(
            arrays(dtype), os.path.join(folder, "plain-" + label + ".safetensors")
        )
    model = net()
    optimizer = trained_once(model)
    checkpoint = {"epoch": 3, "best": 0.5, "optimizer": optimizer.state_dict(), "name": None}
    save("nested-state_dict", {**checkpoint, "state_dict": model.state_dict()})
    save("nested-model", {"model": model.state_dict(), "rng": torch.get_rng_state()})
    save("nested-model_state_dict", {"model_state_dict": model.state_dict(), **checkpoint})
    save("prefix-module", {"module." + name: t for name, t in arrays().items()})
    save("prefix-compiled", {"_orig_mod.module." + name: t for name, t in arrays().items()})
    save("parameters", model.state_dict(keep_vars=True))
    save("transposed", transposed())
    save("one-storage", one_storage())
    save("odd-shapes", odd_shapes())
    safetensors.torch.save_file(odd_shapes(), os.path.join(folder, "odd-shapes.safetensors"))
    safetensors.torch.save_file(
        arrays(), os.path.join(folder, "metadata.safetensors"), metadata={"by": "ä \n \u2028"}
    )


def odd_shapes():
    return {"scalar": tensor(0, ()), "empty": torch.zeros(0, 3), "long.name": tensor(2, (1, 1, 2))}


def write_refused(folder):
    def save(name, content, **options):
        torch.save(content, os.path.join(folder, "refused-" + name + ".pth"), **options)

    matrix = tensor(0, (4, 6))
    save("old-format", {"w": matrix}, _use_new_zipfile_serialization=False)
    save("protocol-4", {"w": matrix}, pickle_protocol=4)
    save("whole-module", nn.ReLU())
    save("integers", {"steps": torch.arange(3)})
    save("list", [matrix])
    save("mixed", {"w": matrix, "epoch": 3})
    save("strided", {"w": matrix[:, ::2]})
    save("expanded", {"w": matrix[:1].expand(4, 6)})
    save("negative", {"w": torch._neg_view(matrix)})
    save("sparse", {"w": matrix.to_sparse()})
    save("untyped", {"w": torch.zeros(3, dtype=torch.uint16)})
    script = torch.jit.script(nn.ReLU())
    script.save(os.path.join(folder, "refused-torchscript.pth"))
    safetensors.torch.save_file(
        {"w": torch.arange(3)}, os.path.join(folder, "refused-integers.safetensors")
    )


DTYPES = {
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "f64": torch.float64,
}

if __name__ == "__main__":
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/model-files")
    target = sys.argv[1] if len(sys.argv) > 1 else default
    os.makedirs(target, exist_ok=True)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    write_accepted(target)
    write_refused(target)
    total = sum(os.path.getsize(os.path.join(target, f)) for f in os.listdir(target))
    print(f"{len(os.listdir(target))} files, {total} bytes, torch {torch.__version__}")
