"""Networks to and from PyTorch, Keras, onnxruntime and NumPy: whether everyone gives the same answers.

`exchange.py HOST OUTPUTS FOLDER`: the program `host`, the program that writes a model's outputs for the test images, and a
folder for what is made on the way. Prints a table in Markdown; ends with 1 if an answer differs in more than one image
of 10,000, or an output by more than 1e-5.
"""

import os
import pathlib
import re
import subprocess
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy
import onnxruntime
import torch
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.torch import load_file, save_file
from torch import nn

from common import digits

HOST, OUTPUTS = sys.argv[1:3]
FOLDER = pathlib.Path(sys.argv[3])
BUNDLED = pathlib.Path(__file__).resolve().parents[2] / "models" / "digits.minnet"

MEAN, STD = 0.1307, 0.3081
PREPARED = ["--scale", "1/255", "--mean", str(MEAN), "--std", str(STD)]
"""What torchvision's users do with MNIST's pixels."""

CNN = "28x28x1: conv5x5 16 maxpool2 relu, conv3x3 32 same maxpool2 relu, flatten, dense 64 relu, dense 10 softmax"
MLP = "784: dense 100 relu, dense 50 sigmoid, dense 10 softmax"
SHAPES = [
    "28x28x1: conv4x3 6 stride 2 same relu, conv3x3 8 same avgpool2 tanh, globalavgpool, dense 10 softmax",
    "28x28x1: conv2x4 5 same maxpool2 sigmoid, conv4x4 6 stride 3 same relu, flatten, dropout 30, dense 10 sigmoid",
    "28x28x1: conv28x1 7 relu, conv1x5 5 avgpool2, flatten, dense 12 tanh, dense 10 softmax",
    "784: dropout 10, dense 30 sigmoid, dropout 50, dense 10",
]

torch.manual_seed(1)
failures = 0


def host(*arguments):
    """Runs `host`, and gives what it prints."""
    return subprocess.run([HOST, *map(str, arguments)], cwd=FOLDER, check=True, capture_output=True, text=True).stdout


def ours(model):
    """A model's outputs for the test images."""
    out = subprocess.run([OUTPUTS, FOLDER / model], check=True, capture_output=True).stdout
    return numpy.frombuffer(out, numpy.float32).reshape(10_000, -1)


def compare(network, way, there, here):
    """Adds a line to the table."""
    global failures
    wrong = int((there.argmax(1) != here.argmax(1)).sum())
    greatest = float(numpy.abs(there - here).max())
    failures += wrong > 1 or not greatest <= 1e-5
    print(f"| {network} | {way} | {wrong} | {greatest:.1e} |", flush=True)


def train(model, images, labels):
    """Two passes over some digits, so that no weight and no mean is what it was in the beginning."""
    optimizer = torch.optim.Adam(model.parameters(), 0.002)
    model.train()
    for _ in range(2):
        for at in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[at]), labels[at]).backward()
            optimizer.step()
    model.eval()


def softmax(model, images):
    """The probabilities that a network of PyTorch gives."""
    with torch.no_grad():
        return torch.cat([torch.softmax(model(part), 1) for part in images.split(1000)]).numpy()


def to_onnx(model, example, name, **options):
    torch.onnx.export(nn.Sequential(model, nn.Softmax(1)).eval(), (example,), FOLDER / name, **options)


def from_torch(name, text, model, training, labels, test):
    """A network that PyTorch trains, in every form."""
    train(model, training, labels)
    there = softmax(model, test)
    right = 100 * (there.argmax(1) == digits("t10k")[1]).mean()
    print(f"{name}: {right:.2f} % of the test images right", file=sys.stderr)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    save_file(state, FOLDER / f"{name}.safetensors")
    host("import", f"{name}.safetensors", "--net", text, *PREPARED, "--out", f"{name}.minnet")
    compare(name, "PyTorch's safetensors, here", there, ours(f"{name}.minnet"))
    for kind in [torch.float16, torch.bfloat16]:
        half = {key: value.to(kind) if value.is_floating_point() else value for key, value in state.items()}
        save_file(half, FOLDER / "half.safetensors")
        host("import", "half.safetensors", "--net", text, *PREPARED, "--out", "half.minnet")
        model.load_state_dict(half)
        compare(name, f"the same in {str(kind)[6:]}, here", softmax(model, test), ours("half.minnet"))
    model.load_state_dict(state)
    one, some = test[:1], {0: "batch"}
    forms = [
        ("torch.onnx", {}),
        ("torch.onnx, any number of images", {"dynamic_shapes": ({0: torch.export.Dim.DYNAMIC},)}),
        ("torch.onnx, nothing folded", {"optimize": False}),
        ("torch.onnx by TorchScript", {"dynamo": False, "input_names": ["x"], "dynamic_axes": {"x": some}}),
    ]
    for form, options in forms:
        example = test[:2] if "dynamic_shapes" in options else one
        to_onnx(model, example, "there.onnx", verbose=False, **options)
        host("import", "there.onnx", *PREPARED, "--out", "there.minnet")
        compare(name, f"{form}, here", there, ours("there.minnet"))
    to_everyone(name, f"{name}.minnet")


def from_keras(training, labels, test):
    """A network that Keras trains, to here and back."""
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(8, 5),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.ReLU(),
        layers.Conv2D(12, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(training, labels, batch_size=64, epochs=1, verbose=0)
    numpy.savez(FOLDER / "keras.npz", *model.get_weights())
    text = "28x28x1: conv5x5 8 maxpool2 relu, conv3x3 12 same relu, flatten, dense 10 softmax"
    host("import", "keras.npz", "--net", text, "--out", "keras.minnet")
    compare("Keras's", "get_weights in .npz, here", model.predict(test, verbose=0), ours("keras.minnet"))
    model.export(FOLDER / "keras.onnx", format="onnx", verbose=False)
    host("import", "keras.onnx", "--out", "there.minnet")
    compare("Keras's", "Model.export to ONNX, here", model.predict(test, verbose=0), ours("there.minnet"))
    host("export", "keras.minnet", "--to", "npz", "--out", "back.npz")
    back = keras.Sequential([layer for layer in model.layers if "batch" not in layer.name])
    arrays = numpy.load(FOLDER / "back.npz")
    back.set_weights([arrays[f"arr_{index}"] for index in range(len(arrays))])
    compare("Keras's", ".npz from here, set_weights", ours("keras.minnet"), back.predict(test, verbose=0))


def to_everyone(name, model):
    """A model of ours in onnxruntime, PyTorch and NumPy."""
    here = ours(model)
    text = re.search(r"^architecture +(.*)$", host("inspect", model), re.M)[1]
    images = digits("t10k")[0]
    image = images if text.startswith("784") else images.reshape(-1, 1, 28, 28)
    host("export", model, "--to", "onnx", "--out", "here.onnx")
    session = onnxruntime.InferenceSession(FOLDER / "here.onnx")
    compare(name, "ONNX from here, onnxruntime", here, session.run(None, {"input": image})[0])

    said = host("export", model, "--to", "safetensors", "--out", "here.safetensors")
    sequence = eval(said[said.index("nn.Sequential") :], {"nn": nn}).eval()
    sequence.load_state_dict(load_file(FOLDER / "here.safetensors"))
    with torch.no_grad():
        compare(name, "safetensors from here, PyTorch", here, sequence(torch.from_numpy(image)).numpy())

    host("export", model, "--to", "npz", "--out", "here.npz")
    arrays = numpy.load(FOLDER / "here.npz")
    arrays = [arrays[f"arr_{index}"] for index in range(len(arrays))]
    parts = [in_numpy(text, arrays, part) for part in numpy.split(images, 20)]
    compare(name, ".npz from here, NumPy", here, numpy.concatenate(parts))


FUNCTIONS = {
    "relu": lambda z: numpy.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + numpy.exp(-z)),
    "tanh": numpy.tanh,
    "softmax": lambda z: numpy.exp(z - z.max(1, keepdims=True)) / numpy.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True),
}


def in_numpy(text, arrays, images):
    """The outputs of the network of this text, with these weights and biases."""
    shape, layers = text.split(": ")
    a = images.reshape(-1, *map(int, shape.split("x"))).astype(numpy.float64)
    arrays = iter(arrays)
    for layer in layers.split(", "):
        words = layer.split()
        if words[0] == "flatten":
            a = a.reshape(len(a), -1)
        elif words[0] == "globalavgpool":
            a = a.mean((1, 2))
        elif words[0] == "dense":
            a = a @ next(arrays) + next(arrays)
        elif words[0].startswith("conv"):
            kernel, bias = next(arrays), next(arrays)
            rows, columns = kernel.shape[:2]
            if "same" in words:
                a = numpy.pad(a, [(0, 0), ((rows - 1) // 2, rows // 2), ((columns - 1) // 2, columns // 2), (0, 0)])
            stride = int(words[words.index("stride") + 1]) if "stride" in words else 1
            windows = sliding_window_view(a, (rows, columns), (1, 2))[:, ::stride, ::stride]
            a = numpy.einsum("nyxcab,abco->nyxo", windows, kernel, optimize=True) + bias
            for pool, reduce in [("maxpool2", numpy.max), ("avgpool2", numpy.mean)]:
                if pool in words:
                    n, h, w, c = a.shape
                    down, across = min(h, 2), min(w, 2)
                    a = reduce(a.reshape(n, h // down, down, w // across, across, c), (2, 4))
        a = FUNCTIONS.get(words[-1], lambda z: z)(a)
    return a


def main():
    images, labels = digits("train")
    images, labels = images[:20_000], labels[:20_000]

    def prepared(images, *shape):
        return torch.from_numpy((images * 256 / 255 - MEAN) / STD).float().reshape(-1, *shape)

    training, test, classes = images, digits("t10k")[0], torch.from_numpy(labels).long()
    print("| network | way | other answers | greatest difference |\n|---|---|---|---|")
    cnn = nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(1152, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    from_torch("CNN", CNN, cnn, prepared(training, 1, 28, 28), classes, prepared(test, 1, 28, 28))
    mlp = nn.Sequential(
        nn.Linear(784, 100), nn.BatchNorm1d(100), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(100, 50), nn.Sigmoid(), nn.Linear(50, 10),
    )  # fmt: skip
    from_torch("MLP", MLP, mlp, prepared(training, 784), classes, prepared(test, 784))
    from_keras(training.reshape(-1, 28, 28, 1), labels, test.reshape(-1, 28, 28, 1))
    to_everyone("the bundled one", BUNDLED)
    for text in SHAPES:
        host("train", "--net", text, "--images", 1000, "--epochs", 1, "--out", "shapes.minnet")
        to_everyone(f"`{text.split(', ')[0]}, …`", "shapes.minnet")
    sys.exit(failures > 0)


main()
