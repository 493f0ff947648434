"""Numbers from an integer hash, which GoldenHash.java repeats bit for bit, so that no input is stored."""
import math

import numpy as np


def hash64(seed, count):
    """SplitMix64's finaliser of seed*0x9E3779B97F4A7C15 + index, for the first indices."""
    with np.errstate(over='ignore'):
        z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.arange(count, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(seed, count):
    """From 0 to 1, the top 24 bits."""
    return (hash64(seed, count) >> np.uint64(40)).astype(np.float64) / 2**24


def symmetric(seed, count, spread):
    """From -spread to spread, float32."""
    return (spread * (2 * uniform(seed, count) - 1)).astype(np.float32)


def weights(seed, shape, fan_in):
    """From -1/sqrt(fan_in) to 1/sqrt(fan_in), float32."""
    return ((2 * uniform(seed, math.prod(shape)) - 1) / math.sqrt(fan_in)).astype(np.float32).reshape(shape)


def integers(seed, count, bound):
    """Whole numbers from -bound to bound: sums of their products are exact in every precision."""
    return (hash64(seed, count) % np.uint64(2 * bound + 1)).astype(np.float32) - bound


def images(seed, count):
    """Bytes [count, 3, 32, 32]: patches of 8x8 pixels, which differ from image to image, under a quarter of noise."""
    patches = (hash64(seed, count * 48) >> np.uint64(56)).astype(np.int64).reshape(count, 3, 4, 4)
    noise = (hash64(seed + 1, count * 3072) >> np.uint64(56)).astype(np.int64).reshape(count, 3, 32, 32)
    return ((3 * patches.repeat(8, 2).repeat(8, 3) + noise) // 4).astype(np.uint8)


def labels(seed, count, classes):
    """From 0 to classes - 1."""
    return (hash64(seed, count) % np.uint64(classes)).astype(np.int64)


def order(seed, count):
    """A permutation: Fisher and Yates from the last element down."""
    ids, random = list(range(count)), hash64(seed, count)
    for i in range(count - 1, 0, -1):
        j = int(random[i] % np.uint64(i + 1))
        ids[i], ids[j] = ids[j], ids[i]
    return ids
