"""Writes the pickles beside it: the first images of MNIST as the book's mnist.pkl.gz has them, five to train on, one
to validate with, two to test with.

    python3 tests/data/pickles/make.py

python3-*.pkl.gz come from Python's pickle (made with Python 3.11 and NumPy 2). python2-*.pkl.gz are written by hand, as
Python 2's cPickle writes them with its NumPy, and are read back as the book's program reads its file. With the name of
a file, it writes all of MNIST there, as large as the book's.
"""

import gzip
import io
import pickle
import struct
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MNIST = HERE / "../../../data/mnist"


def idx(name, header):
    return np.frombuffer(gzip.open(MNIST / f"{name}.gz").read()[header:], dtype=np.uint8)


def mnist(training, validation, test):
    """Three pairs of arrays, of so many images each."""
    sets = []
    for name, first, count in [("train", 0, training), ("train", training, validation), ("t10k", 0, test)]:
        images = idx(f"{name}-images-idx3-ubyte", 16).reshape(-1, 784)[first : first + count]
        labels = idx(f"{name}-labels-idx1-ubyte", 8)[first : first + count]
        sets.append((images.astype(np.float32) / np.float32(256), labels.astype(np.int64)))
    return tuple(sets)


class Python2:
    """The opcodes of cPickle for these arrays, in protocol 1 or 2."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.memo = {}
        self.out = io.BytesIO()

    def once(self, key, write):
        """Writes a thing and remembers it, or gets what was remembered."""
        if key in self.memo:
            self.out.write(b"h" + bytes([self.memo[key]]))
        else:
            write()
            self.memo[key] = len(self.memo) + 1
            self.out.write(b"q" + bytes([self.memo[key]]))

    def name(self, module, name):
        self.once(name, lambda: self.out.write(f"c{module}\n{name}\n".encode()))

    def number(self, value):
        if 0 <= value < 256:
            self.out.write(b"K" + bytes([value]))
        elif 0 <= value < 65536:
            self.out.write(b"M" + struct.pack("<H", value))
        else:
            self.out.write(b"J" + struct.pack("<i", value))

    def string(self, value):
        short = len(value) < 256
        self.out.write((b"U" + bytes([len(value)]) if short else b"T" + struct.pack("<i", len(value))) + value)

    def tuple(self, *items):
        marked = self.protocol < 2 or len(items) > 3
        self.out.write(b"(" if marked else b"")
        for item in items:
            item()
        self.out.write(b"t" if marked else bytes([0x84 + len(items)]))

    def dtype(self, code):
        def write():
            self.name("numpy", "dtype")
            self.tuple(lambda: self.string(code), lambda: self.number(0), lambda: self.number(1))
            self.out.write(b"R")

        self.once(code, write)
        if (code, "state") not in self.memo:
            self.memo[code, "state"] = None
            unset = [lambda: self.out.write(b"N")] * 3 + [lambda: self.number(-1)] * 2
            self.tuple(lambda: self.number(3), lambda: self.string(b"<"), *unset, lambda: self.number(0))
            self.out.write(b"b")

    def array(self, array):
        self.name("numpy.core.multiarray", "_reconstruct")
        self.tuple(
            lambda: self.name("numpy", "ndarray"),
            lambda: self.tuple(lambda: self.number(0)),
            lambda: self.string(b"b"),
        )
        self.out.write(b"R")
        self.tuple(
            lambda: self.number(1),
            lambda: self.tuple(*[lambda size=size: self.number(size) for size in array.shape]),
            lambda: self.dtype(array.dtype.str[1:].encode()),
            lambda: self.out.write(b"I00\n" if self.protocol < 2 else b"\x89"),
            lambda: self.string(array.tobytes()),
        )
        self.out.write(b"b")

    def dumps(self, sets):
        self.out.write(b"\x80\x02" if self.protocol == 2 else b"")
        pairs = [lambda pair=pair: self.tuple(*[lambda array=array: self.array(array) for array in pair]) for pair in sets]
        self.tuple(*pairs)
        self.out.write(b".")
        return self.out.getvalue()


def python2(sets, protocol):
    data = Python2(protocol).dumps(sets)
    back = pickle.loads(data, encoding="latin1")
    assert all(np.array_equal(a, b) for one, other in zip(sets, back) for a, b in zip(one, other))
    return data


def write(path, data):
    with open(path, "wb") as file:
        file.write(gzip.compress(data, 9, mtime=0))


if len(sys.argv) > 1:
    write(sys.argv[1], python2(mnist(50_000, 10_000, 10_000), 2))
else:
    small = mnist(5, 1, 2)
    for protocol in [1, 2]:
        write(HERE / f"python2-protocol{protocol}.pkl.gz", python2(small, protocol))
    for protocol in [2, 3, 4]:
        write(HERE / f"python3-protocol{protocol}.pkl.gz", pickle.dumps(small, protocol))
