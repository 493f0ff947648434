#!/usr/bin/env python3
"""Decodes an archive of CIFAR-10's images as JPEGs into the binary layout, where there is no Java to do it.

The archive has train/CLASS/NNNN.jpg and test/CLASS/NNNN.jpg. Needs PIL and numpy.

    python3 bench/cifar10_from_jpeg.py ARCHIVE.tar.xz DIR
"""
import io, pathlib, random, sys, tarfile
import numpy as np
from PIL import Image

CLASSES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']


def main():
    archive, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    rows = {'train': [], 'test': []}
    with tarfile.open(archive) as files:
        for member in files:
            if member.name.endswith('.jpg'):
                half, name, _ = member.name.lstrip('./').split('/')
                pixels = np.asarray(Image.open(io.BytesIO(files.extractfile(member).read())).convert('RGB'))
                rows[half].append((member.name, bytes([CLASSES.index(name)]) + pixels.transpose(2, 0, 1).tobytes()))
    folder.mkdir(parents=True, exist_ok=True)
    for half in rows:  # one order, whatever that of the archive is
        rows[half].sort()
        random.Random(0).shuffle(rows[half])
    for i in range(5):
        write(folder / f'data_batch_{i + 1}.bin', rows['train'][i * 10000:(i + 1) * 10000])
    write(folder / 'test_batch.bin', rows['test'])
    (folder / 'batches.meta.txt').write_text('\n'.join(CLASSES) + '\n\n')
    print(f"{len(rows['train'])} training and {len(rows['test'])} test images in {folder}")


def write(path, rows):
    path.write_bytes(b''.join(row for _, row in rows))


if __name__ == '__main__':
    main()
