"""Trains networks in Python by the book's algorithm and writes them as its network2.py saves them, with what they make
of MNIST's test images: NAME.json.gz and NAME.predictions (10,000 digits).

    python3 tests/data/network2/make.py

Float64, sigmoid neurons, stochastic gradient descent in mini-batches of 10 (equations 20, 21 and BP1 to BP4), pixels
divided by 256. Made with Python 3.11 and NumPy 2; weights have 6 decimals, to keep the files small, and the
predictions come from these.
"""

import gzip
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MNIST = HERE / "../../../data/mnist"


def images(name):
    pixels = np.frombuffer(gzip.open(MNIST / f"{name}-images-idx3-ubyte.gz").read()[16:], dtype=np.uint8)
    return pixels.reshape(-1, 784) / 256.0


def labels(name):
    return np.frombuffer(gzip.open(MNIST / f"{name}-labels-idx1-ubyte.gz").read()[8:], dtype=np.uint8)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def forward(network, batch):
    """The activations of every layer, one image a row."""
    activations = [batch]
    for weights, biases in zip(*network):
        activations.append(sigmoid(activations[-1] @ weights.T + biases.T))
    return activations


def train(sizes, cost, start, eta, epochs, seed):
    rng = np.random.default_rng(seed)
    scale = np.sqrt if start == "fan-in" else np.ones_like
    weights = [rng.standard_normal((out, into)) / scale(np.float64(into)) for into, out in zip(sizes, sizes[1:])]
    biases = [rng.standard_normal((out, 1)) for out in sizes[1:]]
    inputs, targets = images("train")[:50_000], np.eye(10)[labels("train")[:50_000]]
    for _ in range(epochs):
        for batch in rng.permutation(50_000).reshape(-1, 10):
            activations = forward((weights, biases), inputs[batch])
            delta = activations[-1] - targets[batch]
            if cost == "QuadraticCost":
                delta *= activations[-1] * (1 - activations[-1])
            for layer in reversed(range(len(weights))):
                before = activations[layer]
                slope = before * (1 - before)
                step_w, step_b = delta.T @ before, delta.sum(axis=0)[:, None]
                delta = delta @ weights[layer] * slope
                weights[layer] -= eta / 10 * step_w
                biases[layer] -= eta / 10 * step_b
    return weights, biases


def write(name, sizes, cost, **settings):
    trained = train(sizes, cost, **settings)
    weights, biases = ([np.round(array, 6) for array in arrays] for arrays in trained)
    data = {
        "sizes": sizes,
        "weights": [array.tolist() for array in weights],
        "biases": [array.tolist() for array in biases],
        "cost": cost,
    }
    with open(HERE / f"{name}.json.gz", "wb") as file:
        file.write(gzip.compress(json.dumps(data).encode(), 9, mtime=0))
    answers = forward((weights, biases), images("t10k"))[-1].argmax(axis=1)
    (HERE / f"{name}.predictions").write_text("".join(map(str, answers)) + "\n")
    print(name, (answers == labels("t10k")).sum(), "of 10000")


if __name__ == "__main__":
    write("cross-entropy", [784, 30, 10], "CrossEntropyCost", start="fan-in", eta=0.5, epochs=2, seed=1)
    write("quadratic", [784, 30, 30, 10], "QuadraticCost", start="large", eta=3.0, epochs=2, seed=2)
