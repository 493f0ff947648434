#!/usr/bin/env python2
"""Writes a CIFAR-10 batch of four records with Python 2's own cPickle, as the official files were.

  python2 make_python2_batch.py OUT

Python 2 and numpy hardly install together any more, so the three numpy names that such a pickle
holds are stood in for here; what numpy's arrays give to pickle (__reduce__) is fixed and public.
The real numpy reads the result: pickle.load(open(OUT, 'rb'), encoding='latin1').
Record r has label (3*r + 6) % 10 and byte i of its picture is (7*r + i) % 256.
"""
import cPickle
import sys
import types

RECORDS, PIXELS = 4, 3072


def module(name):
    sys.modules[name] = types.ModuleType(name)
    return sys.modules[name]


numpy = module('numpy')
numpy.core = module('numpy.core')
numpy.core.multiarray = module('numpy.core.multiarray')


def _reconstruct(subtype, shape, typecode):
    raise NotImplementedError


class dtype(object):
    def __reduce__(self):
        return dtype, ('u1', 0, 1), (3, '|', None, None, None, -1, -1, 0)


class ndarray(object):
    def __init__(self, data):
        self.data = data

    def __reduce__(self):
        state = (1, (RECORDS, PIXELS), dtype(), False, self.data)
        return _reconstruct, (ndarray, (0,), 'b'), state


_reconstruct.__module__ = 'numpy.core.multiarray'
numpy.core.multiarray._reconstruct = _reconstruct
for kind in (dtype, ndarray):
    kind.__module__ = 'numpy'
    setattr(numpy, kind.__name__, kind)

pixels = ''.join(chr((7 * r + i) % 256) for r in range(RECORDS) for i in range(PIXELS))
batch = {
    'batch_label': 'training batch 1 of 5',
    'labels': [(3 * r + 6) % 10 for r in range(RECORDS)],
    'data': ndarray(pixels),
    'filenames': ['picture_s_%06d.png' % r for r in range(RECORDS)],
}
with open(sys.argv[1], 'wb') as out:
    cPickle.dump(batch, out, 2)
