"""What the rivals' programs share: their command line, the real digits, and how they are measured.

Each program is `PROGRAM NETWORK MODE BATCH THREADS SECONDS VARIANT`. It warms up and prints `ready`; then, for each
line on standard input, it works for SECONDS and prints one line of JSON. So several programs can stand ready and take
turns.
"""

import argparse
import gzip
import json
import pathlib
import resource
import sys
import time

import numpy

ETA = {"a": 0.3, "b": 0.3, "c": 0.03, "d": 0.03, "e": 0.03}
"""The learning rate of each network."""

WARM_UP = 3000
"""Images that are trained on before anything is measured, unless they take longer than `PATIENCE`."""

PATIENCE = 1
"""Seconds."""


def arguments(variants):
    """The command line, for a program with these variants."""
    parser = argparse.ArgumentParser(epilog="Then each line on standard input asks for one measurement.")
    parser.add_argument("network", choices=list("abcde"))
    parser.add_argument("mode", choices=["train", "infer"])
    parser.add_argument("batch", type=int)
    parser.add_argument("threads", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("variant", choices=variants)
    return parser.parse_args()


def digits(name):
    """Images (divided by 256, 784 to a row) and labels of the set `train` or `t10k`."""
    folder = pathlib.Path(__file__).resolve().parents[2] / "data" / "mnist"

    def read(kind, header):
        with gzip.open(folder / f"{name}-{kind}.gz") as file:
            return numpy.frombuffer(file.read(), numpy.uint8, offset=header)

    images = read("images-idx3-ubyte", 16).reshape(-1, 784).astype(numpy.float32)
    images /= 256
    return images, read("labels-idx1-ubyte", 8).astype(numpy.int32)


def serve(options, work, right=None):
    """Measures `work(steps)`, which takes that many batches and returns when all is done.

    `right()` is how many of 1,000 test digits the network classifies rightly after a measurement.
    """
    begin, met = time.perf_counter(), 0
    while options.mode == "train" and met < WARM_UP and time.perf_counter() - begin < PATIENCE:
        work(1)
        met += options.batch
    # What takes long the first time is done before anything is measured.
    work(1)
    if right:
        right()
    begin = time.perf_counter()
    work(1)
    rate = 1 / (time.perf_counter() - begin)
    print("ready", flush=True)
    idle = time.process_time()
    for _ in sys.stdin:
        idle = time.process_time() - idle
        # Steps between two looks at the clock, and in one loop of JAX: a tenth of what is asked for.
        chunk = max(1, int(rate * options.seconds / 10))
        steps, seconds = 0, 0
        begin, cpu = time.perf_counter(), time.process_time()
        while seconds < options.seconds:
            work(chunk)
            steps += chunk
            seconds = time.perf_counter() - begin
        cpu = time.process_time() - cpu
        rate = steps / seconds
        # Linux counts in KiB, macOS in bytes.
        unit = 2**20 if sys.platform == "darwin" else 2**10
        answer = {
            "images_per_second": rate * options.batch,
            "cpu_seconds_per_image": cpu / (steps * options.batch),
            "idle_cpu_seconds": idle,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
        }
        if right:
            answer["right_of_1000"] = right()
        print(json.dumps(answer), flush=True)
        idle = time.process_time()
