"""Data sets as users have them, none of which is MNIST, and what scikit-learn's MLP makes of them.

`own_data.py make FOLDER FASHION`: writes the data sets into the folder, in as many formats; FASHION is the directory with
Fashion-MNIST's four files. Beside each lies `NAME.arrays.npz`, the same samples as scikit-learn takes them.
`own_data.py rival FOLDER NAME`: trains on one with seeds 1 to 3, and prints the scores on its test part as JSON: the
share of right answers, or for numbers the root mean square error.

All is made with one seed: the same programs make the same bytes.
"""

import csv
import gzip
import json
import math
import pathlib
import shutil
import struct
import sys

import numpy
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDER = pathlib.Path(sys.argv[2])
SEEDS = [1, 2, 3]
MANY = 5_000
"""From so many samples on, early stopping ends the training of classes, as scikit-learn's own `early_stopping="auto"` does
elsewhere; with fewer, the samples that it takes away cost more than it brings. That of numbers it always ends."""


def arrays(name, x_train, y_train, x_test, y_test):
    """The samples for scikit-learn: rows of values, as they are in the files."""
    x_train, x_test = (numpy.asarray(x).reshape(len(x), -1) for x in (x_train, x_test))
    numpy.savez(FOLDER / f"{name}.arrays.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def table(name, columns, label, x, y, share, stratify=None):
    """A directory with train.csv and test.csv."""
    parts = train_test_split(x, y, test_size=share, random_state=0, stratify=stratify)
    x_train, x_test, y_train, y_test = parts
    (FOLDER / name).mkdir()
    for file, values, targets in [("train.csv", x_train, y_train), ("test.csv", x_test, y_test)]:
        with open(FOLDER / name / file, "w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow([*columns, label])
            rows.writerows([*map(repr, map(float, row)), target] for row, target in zip(values, targets))
    arrays(name, x_train, y_train, x_test, y_test)


def idx(path, values):
    """An IDX file of bytes."""
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.astype(numpy.uint8).tobytes())


def digits():
    """scikit-learn's 8x8 digits of pixels from 0 to 16, once as a table, once as arrays of bytes."""
    found = load_digits()
    columns = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    table("digits-csv", columns, "digit", found.data, found.target, 0.3, found.target)
    images = found.images.astype(numpy.uint8)[..., None]
    parts = train_test_split(images, found.target, test_size=0.3, random_state=0, stratify=found.target)
    x_train, x_test, y_train, y_test = parts
    numpy.savez(FOLDER / "digits.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    arrays("digits", x_train, y_train, x_test, y_test)


def wine():
    """Chemical analyses of wines of three growers."""
    found = load_wine()
    names = numpy.array(["barolo", "grignolino", "barbera"])[found.target]
    table("wine", found.feature_names, "cultivar", found.data, names, 0.5, names)


def diabetes():
    """How a disease goes on in a year, a number from 25 to 346, of ten measurements."""
    found = load_diabetes(scaled=False)
    table("diabetes", found.feature_names, "target", found.data, found.target, 0.3)


def fashion(source):
    """Fashion-MNIST's four files as they are."""
    (FOLDER / "fashion").mkdir()
    found = []
    for part in ["train", "t10k"]:
        for kind, header in [("images-idx3", 16), ("labels-idx1", 8)]:
            file = next(source.glob(f"{part}-{kind}-ubyte*"))
            shutil.copy(file, FOLDER / "fashion")
            read = gzip.open if file.suffix == ".gz" else open
            with read(file) as stream:
                found.append(numpy.frombuffer(stream.read(), numpy.uint8, offset=header))
    x_train, y_train, x_test, y_test = found
    arrays("fashion", x_train.reshape(-1, 784), y_train, x_test.reshape(-1, 784), y_test)


def polygon(corners, radii):
    """Corners around the origin, the radii taking turns."""
    angle = 2 * math.pi / corners
    radius = [radii[corner % len(radii)] for corner in range(corners)]
    return [(radius[corner] * math.sin(corner * angle), -radius[corner] * math.cos(corner * angle)) for corner in range(corners)]


SHAPES = {
    "circle": polygon(40, [1]),
    "cross": [(x / 3, y / 3) for x, y in [(-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1)]],
    "hexagon": polygon(6, [1]),
    "square": polygon(4, [1.1]),
    "star": polygon(10, [1, 0.45]),
    "triangle": polygon(3, [1.1]),
}  # fmt: skip


def shape(random, corners):
    """A picture of any size with a bright shape on something dark, turned and displaced, a line beside it, and noise."""
    width, height = random.integers(40, 81, 2)
    scale = 4
    picture = Image.new("RGB", (width * scale, height * scale), tuple(random.integers(0, 110, 3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(2):
        ends = random.uniform(0, 1, (2, 2)) * picture.size
        draw.line([tuple(end) for end in ends], tuple(random.integers(0, 200, 3)), width=int(random.integers(4, 16)))
    radius = min(picture.size) * random.uniform(0.28, 0.44)
    centre = [random.uniform(radius, size - radius) for size in picture.size]
    turn = random.normal(0, 0.2)
    cos, sin = math.cos(turn), math.sin(turn)
    places = [(centre[0] + radius * (x * cos - y * sin), centre[1] + radius * (x * sin + y * cos)) for x, y in corners]
    draw.polygon(places, tuple(random.integers(100, 256, 3)))
    pixels = numpy.asarray(picture.resize((width, height), Image.Resampling.BOX), numpy.float32)
    pixels = pixels + random.normal(0, 20, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8))


def shapes():
    """A folder for each class with pictures, half of them PNG and half JPEG."""
    random = numpy.random.default_rng(1)
    found = {"train": ([], []), "test": ([], [])}
    for part, count in [("train", 250), ("test", 100)]:
        for name, corners in SHAPES.items():
            folder = FOLDER / "shapes" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                file = folder / f"{number:03}.{['png', 'jpg'][number % 2]}"
                shape(random, corners).save(file, quality=90)
                small = Image.open(file).resize((32, 32), Image.Resampling.BOX)
                found[part][0].append(numpy.asarray(small))
                found[part][1].append(name)
    arrays("shapes", *found["train"], *found["test"])


def gesture(random, name):
    """128 steps of a three-axis accelerometer, in m/s²: a movement at any time, speed and strength, and a hand that is
    never still."""
    t = numpy.linspace(0, 1, 128)
    start, length = random.uniform(0.05, 0.3), random.uniform(0.45, 0.65)
    strength, tempo, phase = random.uniform(2, 8), random.uniform(0.8, 1.25), random.normal(0, 0.5)
    u = ((t - start) / length).clip(0, 1)
    window = numpy.sin(math.pi * u) ** 2
    wave = 2 * math.pi * tempo * u
    zero = 0 * t
    x, y, z = {
        "circle": (numpy.cos(2 * wave + phase), numpy.sin(2 * wave + phase), zero),
        "circle back": (numpy.cos(2 * wave + phase), -numpy.sin(2 * wave + phase), zero),
        "shake": (numpy.sin(5 * wave + phase), zero, 0.3 * numpy.sin(5 * wave)),
        "faster": (numpy.sin((2 + 4 * u) * wave + phase), zero, 0.3 * numpy.sin(5 * wave)),
        "push": (zero, zero, 1.5 * numpy.sin(wave)),
        "tap": (zero, zero, 2.5 * (numpy.abs(u - 0.4) < 0.06) - 1.2 * (numpy.abs(u - 0.52) < 0.06)),
    }[name]
    pull = random.normal(0, 1.2, 3) + [0, 0, 9.81]
    sway = numpy.cumsum(random.normal(0, 0.12, (128, 3)), 0)
    moved = strength * window[:, None] * numpy.stack([x, y, z], 1)
    return (moved + pull + sway + random.normal(0, 0.7, (128, 3))).round(3)


def gestures():
    """A folder for each class with a CSV file for each window: a time stamp and three axes."""
    random = numpy.random.default_rng(2)
    found = {"train": ([], []), "test": ([], [])}
    for part, count in [("train", 120), ("test", 80)]:
        for name in ["circle", "circle back", "faster", "push", "shake", "tap"]:
            folder = FOLDER / "gestures" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                values = gesture(random, name)
                with open(folder / f"{number:03}.csv", "w", newline="") as stream:
                    rows = csv.writer(stream)
                    rows.writerow(["time", "x", "y", "z"])
                    rows.writerows([step * 10, *row] for step, row in enumerate(values.tolist()))
                found[part][0].append(values)
                found[part][1].append(name)
    arrays("gestures", *found["train"], *found["test"])


CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"


def character(random, sign):
    """28x28 pixels of a sign, turned, slanted, stretched and displaced, in ink of any weight."""
    side = 112
    picture = Image.new("L", (side, side))
    font = ImageFont.load_default(int(random.uniform(60, 92)))
    stroke = int(random.integers(0, 6))
    ImageDraw.Draw(picture).text((side / 2, side / 2), sign, 255, font, "mm", stroke_width=stroke)
    angle, slant = random.normal(0, 0.17), random.normal(0, 0.22)
    across, down = random.uniform(0.8, 1.25, 2)
    cos, sin = math.cos(angle), math.sin(angle)
    matrix = numpy.array([[cos, -sin], [sin, cos]]) @ [[across, slant], [0, down]]
    shift = random.normal(0, 5, 2)
    origin = numpy.array([side / 2, side / 2]) - matrix @ (side / 2 + shift)
    data = (*matrix[0], origin[0], *matrix[1], origin[1])
    picture = picture.transform((side, side), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 5))).resize((28, 28), Image.Resampling.BOX)
    pixels = numpy.asarray(picture, numpy.float32) * random.uniform(0.6, 1.1) + random.normal(0, 16, (28, 28))
    return pixels.clip(0, 255).astype(numpy.uint8)


def characters():
    """47 classes as EMNIST has them: the same signs, the same names of files, transposed; the labels start at 1."""
    random = numpy.random.default_rng(3)
    (FOLDER / "characters").mkdir()
    found = []
    for part, count in [("train", 200), ("test", 60)]:
        labels = random.permutation(numpy.repeat(numpy.arange(len(CHARACTERS)), count))
        images = numpy.stack([character(random, CHARACTERS[label]) for label in labels])
        stem = f"emnist-made-{part}"
        idx(FOLDER / "characters" / f"{stem}-images-idx3-ubyte", images.transpose(0, 2, 1))
        idx(FOLDER / "characters" / f"{stem}-labels-idx1-ubyte", labels + 1)
        found += [images, labels]
    mapping = "".join(f"{label + 1} {ord(sign)}\n" for label, sign in enumerate(CHARACTERS))
    (FOLDER / "characters" / "emnist-made-mapping.txt").write_text(mapping)
    arrays("characters", *found)


def make(source):
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    digits()
    wine()
    diabetes()
    shapes()
    gestures()
    characters()
    fashion(source)


def rival(name):
    """scikit-learn's MLP with its defaults, but for time enough to converge; inputs and numbers are scaled."""
    found = numpy.load(FOLDER / f"{name}.arrays.npz")
    x_train, y_train, x_test, y_test = (found[key] for key in ["x_train", "y_train", "x_test", "y_test"])
    scores = []
    for seed in SEEDS:
        are_numbers = y_train.dtype == numpy.float64
        stops = are_numbers or len(x_train) >= MANY
        settings = {"max_iter": 1000, "early_stopping": stops, "random_state": seed}
        if are_numbers:
            mlp = TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())
            model = make_pipeline(StandardScaler(), mlp).fit(x_train, y_train)
            scores.append(math.sqrt(((model.predict(x_test) - y_test) ** 2).mean()))
        else:
            model = make_pipeline(StandardScaler(), MLPClassifier(**settings)).fit(x_train, y_train)
            scores.append(float(model.score(x_test, y_test)))
        print(f"{name}, seed {seed}: {scores[-1]:.4f}", file=sys.stderr)
    print(json.dumps(scores))


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[3]))
else:
    rival(sys.argv[3])
