"""Models that PyTorch trained go in, models trained here come out, and both sides answer alike.

Usage: python3 pytorch_roundtrip.py make FOLDER     (committed: ../resources/pytorch-models)
       python3 pytorch_roundtrip.py check FOLDER

"make" trains a teacher and, from it, a student in PyTorch and writes both in float32, float16 and
bfloat16, as .pth and .safetensors, with the logits of 1,000 images (float32, little-endian) and how
many are right. "check" strictly loads a student that PytorchModelsTest trained, from FOLDER, compares
its logits, and writes it back in the three types for the Java side to read. The images come from an
integer hash that the Java side computes too. Needs torch, safetensors and numpy.
"""

import json
import os
import re
import sys

import numpy as np
import safetensors.torch
import torch
from torch.nn import functional as F

TEST, TRAIN = 1000, 1000
TEACHER, STUDENT = (6, 8, 12), (4, 6, 8)
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
TOLERANCE = 1e-4


# The module and the normalisation that users are given are those that are tested.
NOTES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../native-notes/formats.md")
with open(NOTES, encoding="utf-8") as notes:
    exec(re.search(r"^```python\n(.*?)^```", notes.read(), re.M | re.S).group(1))


def hashed(image, element):
    x = image * np.uint32(0x9E3779B1) + element * np.uint32(0x85EBCA6B)
    x ^= x >> 16
    x *= np.uint32(0x45D9F3B)
    x ^= x >> 16
    return x


def images_and_labels(first, count):
    """Noise with three bright rows at the label; every fourth time they are another class's."""
    image = np.arange(first, first + count, dtype=np.uint32)
    labels = image % 10
    draw = hashed(image, np.array([3072], dtype=np.uint32))
    shown = np.where(draw % 4 == 0, (draw >> 8) % 10, labels)
    element = np.arange(3072, dtype=np.uint32)
    noise = hashed(image[:, None], element[None, :]) & 0xFF
    bright = (element % 1024 // 32 // 3)[None, :] == shown[:, None]
    pixels = np.where(bright, 200 + noise % 56, noise).astype(np.uint8)
    return torch.from_numpy(pixels.reshape(count, 3, 32, 32)), labels.astype(np.int64)


def train(net, images, labels, teacher_logits=None, epochs=4):
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(50):
            logits = net(images[rows])
            loss = F.cross_entropy(logits, labels[rows])
            if teacher_logits is not None:
                p, q = F.log_softmax(logits / 5, 1), F.log_softmax(teacher_logits[rows] / 5, 1)
                kl = F.kl_div(p, q, reduction="batchmean", log_target=True)
                loss = 0.7 * 25 * kl + 0.3 * loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


def save(folder, name, state, logits):
    torch.save(state, os.path.join(folder, name + ".pth"))
    contiguous = {key: tensor.contiguous() for key, tensor in state.items()}
    safetensors.torch.save_file(contiguous, os.path.join(folder, name + ".safetensors"))
    logits.numpy().astype("<f4").tofile(os.path.join(folder, name + ".logits"))


@torch.no_grad()
def save_rounded(folder, name, net, images):
    """In every type, with the float32 logits of the weights as that type holds them."""
    right = {}
    widths = net.conv1.out_channels, net.conv2.out_channels, net.fc1.out_features
    labels = torch.from_numpy(images_and_labels(0, TEST)[1])
    for label, dtype in DTYPES.items():
        state = {key: tensor.to(dtype) for key, tensor in net.state_dict().items()}
        rounded = Net(*widths)
        rounded.load_state_dict(state, strict=True)
        logits = rounded(images)
        save(folder, f"{name}-{label}", state, logits)
        right[f"{name}-{label}"] = int((logits.argmax(1) == labels).sum())
    return right


def make(folder):
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(5)
    torch.set_num_threads(1)
    pixels, labels = images_and_labels(TEST, TRAIN)
    images, labels = normalised(pixels), torch.from_numpy(labels)
    teacher = train(Net(*TEACHER), images, labels)
    with torch.no_grad():
        teacher_logits = teacher(images)
    student = train(Net(*STUDENT), images, labels, teacher_logits)
    test = normalised(images_and_labels(0, TEST)[0])
    right = save_rounded(folder, "teacher", teacher, test)
    right |= save_rounded(folder, "student", student, test)
    with open(os.path.join(folder, "right.json"), "w") as file:
        json.dump({"torch": torch.__version__, "right": right}, file, indent=1)
    print(right)


@torch.no_grad()
def check(folder):
    test = normalised(images_and_labels(0, TEST)[0])
    expected = torch.from_numpy(np.fromfile(f"{folder}/student.logits", "<f4").reshape(TEST, 10))
    states = [
        torch.load(f"{folder}/student.pth", weights_only=True),
        safetensors.torch.load_file(f"{folder}/student.safetensors"),
    ]
    for state in states:
        student = Net(*STUDENT)
        student.load_state_dict(state, strict=True)
        logits = student(test)
        error = float((logits - expected).abs().max())
        assert error <= TOLERANCE, error
        assert torch.equal(logits.argmax(1), expected.argmax(1))
        for dtype in DTYPES.values():
            Net(*STUDENT).to(dtype).load_state_dict(state, strict=True)
    right = save_rounded(folder, "back", student, test)
    with open(f"{folder}/right.json", "w") as file:
        json.dump({"torch": torch.__version__, "right": right}, file)
    print(f"largest difference of a logit {error:.1e}, right {right}\nok")


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](sys.argv[2])
