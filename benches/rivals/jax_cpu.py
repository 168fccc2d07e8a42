"""The networks a, b, c, d and e in JAX.

Variants: each batch is a call (`step`), or all batches are one loop that the compiler sees whole (`loop`); for
inference that loop goes through one batch in pieces of ten images. A convolution is the compiler's, or, in
`patches_step` and `patches_loop`, a matrix product over patches gathered by hand.
"""

import os

import common

options = common.arguments(["step", "loop", "patches_step", "patches_loop"])
# The compiler starts as many threads as it sees processors, so it is shown only these.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-options.threads :])
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import numpy
from jax import lax
from jax import numpy as jnp

gathers, loops = options.variant.startswith("patches"), options.variant.endswith("loop")
TOGETHER = 10


def patches(images, weights):
    """A convolution as a matrix product: shifted views side by side, one for each tap, times all filters."""
    height, width = weights.shape[:2]
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1
    views = [images[:, y : y + rows, x : x + columns] for y in range(height) for x in range(width)]
    return jnp.concatenate(views, axis=3) @ weights.reshape(-1, weights.shape[3])


def conv(images, weights):
    return lax.conv_general_dilated(images, weights, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def pool(images):
    count, rows, columns, channels = images.shape
    return images.reshape(count, rows // 2, 2, columns // 2, 2, channels).max((2, 4))


SHAPES = {
    "a": [(784, 100), (100, 10)],
    "b": [(5, 5, 1, 20), (2880, 100), (100, 10)],
    "c": [(5, 5, 1, 20), (5, 5, 20, 40), (640, 100), (100, 10)],
    "d": [(5, 5, 1, 20), (5, 5, 20, 40), (640, 1000), (1000, 1000), (1000, 10)],
    "e": [(3, 3, 1, 16), (3, 3, 16, 32), (3, 3, 32, 64), (1600, 10)],
}
activation = jax.nn.sigmoid if options.network in "ab" else jax.nn.relu
convolve = patches if gathers else conv


def start():
    random = numpy.random.default_rng(1)
    layers = []
    for shape in SHAPES[options.network]:
        deviation = (2 / numpy.prod(shape[:-1])) ** 0.5
        weights = random.normal(0, deviation, shape).astype(numpy.float32)
        layers.append((jnp.asarray(weights), jnp.zeros(shape[-1], jnp.float32)))
    return layers


def logits(layers, images, key=None):
    """The outputs before the softmax; with a key, the dense layers of d drop half of their inputs."""
    values = images
    if options.network != "a":
        values = images.reshape(-1, 28, 28, 1)
    for number, (weights, bias) in enumerate(layers):
        if weights.ndim == 4:
            maps = convolve(values, weights)
            # The first convolution of e has no pooling.
            values = activation((maps if options.network == "e" and number == 0 else pool(maps)) + bias)
            continue
        values = values.reshape(values.shape[0], -1)
        if options.network == "d" and key is not None:
            kept = jax.random.bernoulli(jax.random.fold_in(key, number), 0.5, values.shape)
            values = jnp.where(kept, values * 2, 0)
        values = values @ weights + bias
        if number + 1 < len(layers):
            values = activation(values)
    return values


def cost(layers, images, labels, key):
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits(layers, images, key)), labels[:, None], 1)
    return -chosen.mean()


def step(layers, images, labels, number):
    """One batch; `number` counts the batches of the run and goes round the training set."""
    first = number % (images.shape[0] // options.batch) * options.batch
    batch = lax.dynamic_slice_in_dim(images, first, options.batch)
    answers = lax.dynamic_slice_in_dim(labels, first, options.batch)
    # The generator of random bits that is fast here.
    key = jax.random.fold_in(jax.random.key(0, impl="rbg"), number)
    gradient = jax.grad(cost)(layers, batch, answers, key)
    eta = common.ETA[options.network]
    return jax.tree.map(lambda weight, slope: weight - eta * slope, layers, gradient)


def softmax(layers, images):
    return jax.nn.softmax(logits(layers, images))


if options.mode == "train":
    images, labels = map(jnp.asarray, common.digits("train"))
    test_images, test_labels = (jnp.asarray(values[:1000]) for values in common.digits("t10k"))
    layers, done = start(), 0
    one = jax.jit(step, donate_argnums=0)

    @jax.jit
    def many(layers, images, labels, first, steps):
        return lax.fori_loop(first, first + steps, lambda number, now: step(now, images, labels, number), layers)

    def work(steps):
        global layers, done
        if loops:
            layers = many(layers, images, labels, done, steps)
        else:
            for number in range(done, done + steps):
                layers = one(layers, images, labels, number)
        done += steps
        jax.block_until_ready(layers)

    @jax.jit
    def count(layers, images, labels):
        return (logits(layers, images).argmax(1) == labels).sum()

    common.serve(options, work, lambda: int(count(layers, test_images, test_labels)))
else:
    images, layers = jnp.asarray(common.digits("t10k")[0]), start()

    @jax.jit
    def infer(layers, images, first):
        batch = lax.dynamic_slice_in_dim(images, first, options.batch)
        if loops:
            pieces = batch.reshape(-1, TOGETHER, 784)
            return lax.map(lambda piece: softmax(layers, piece), pieces).reshape(options.batch, 10)
        return softmax(layers, batch)

    def work(steps):
        for number in range(steps):
            infer(layers, images, number * options.batch % 10000).block_until_ready()

    common.serve(options, work)
