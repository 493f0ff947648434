"""Loads with PyTorch and safetensors what the Java tests wrote, and says whether it is right.

Usage: python3 model_files_roundtrip.py FOLDER

FOLDER holds model.pth, model.safetensors (the model of model_files_fixtures.py) and odd.pth,
odd.safetensors (its odd shapes). Ends with a line "ok" and status 0, or with an AssertionError.
"""

import sys
import zipfile

import safetensors.torch
import torch
from model_files_fixtures import SHAPES, Net, net, odd_shapes


def assert_same(loaded, expected, what):
    assert list(loaded) == list(expected), (what, list(loaded))
    for name, t in expected.items():
        found = loaded[name]
        assert found.dtype == torch.float32, (what, name, found.dtype)
        assert found.shape == t.shape, (what, name, found.shape)
        assert found.is_contiguous(), (what, name)
        bits = found.reshape(-1).view(torch.int32)
        assert torch.equal(bits, t.reshape(-1).contiguous().view(torch.int32)), (what, name)


def check_logits(state, what):
    """Strictly loaded, the network answers as the one that PyTorch built itself."""
    loaded = Net()
    loaded.load_state_dict(state, strict=True)
    images = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        assert torch.equal(loaded(images), net()(images)), what


def main(folder):
    expected = net().state_dict()
    assert list(expected) == list(SHAPES)
    for options in ({}, {"mmap": True}, {"map_location": "cpu"}):
        state = torch.load(f"{folder}/model.pth", weights_only=True, **options)
        assert_same(state, expected, options)
        check_logits(state, options)
        assert_same(
            torch.load(f"{folder}/odd.pth", weights_only=True, **options), odd_shapes(), options
        )
    # A second trip through PyTorch changes nothing.
    torch.save(state, f"{folder}/again.pth")
    assert_same(torch.load(f"{folder}/again.pth", weights_only=True), expected, "again")

    state = safetensors.torch.load_file(f"{folder}/model.safetensors")
    assert_same({name: state[name] for name in expected}, expected, "safetensors")
    check_logits(state, "safetensors")
    state = safetensors.torch.load_file(f"{folder}/odd.safetensors")
    assert_same({name: state[name] for name in odd_shapes()}, odd_shapes(), "odd safetensors")
    with safetensors.safe_open(f"{folder}/model.safetensors", "pt") as opened:
        assert opened.metadata() == {"format": "pt"}, opened.metadata()

    with zipfile.ZipFile(f"{folder}/model.pth") as archive:
        assert archive.testzip() is None
        assert all(i.compress_type == zipfile.ZIP_STORED for i in archive.infolist())
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
