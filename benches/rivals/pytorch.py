"""The networks a, b, c, d and e in PyTorch.

Variants: `eager`; `channels_last`, the order of memory that its convolutions like best; `compiled`, by torch.compile,
which needs a C++ compiler: the whole step, update and all, or the frozen network; and for inference `traced`, a frozen
graph. The update is written out, because an optimizer object costs small networks up to half of their speed.
"""

import common

options = common.arguments(["eager", "channels_last", "compiled", "traced"])

import torch
import torch._inductor.config
from torch import nn
from torch.func import functional_call

torch.set_num_threads(options.threads)
torch.set_num_interop_threads(1)
torch.manual_seed(1)


def network(name):
    def conv(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 5), nn.MaxPool2d(2)]

    if name == "a":
        layers = [nn.Linear(784, 100), nn.Sigmoid(), nn.Linear(100, 10)]
    elif name == "b":
        layers = [*conv(1, 20), nn.Sigmoid(), nn.Flatten(), nn.Linear(2880, 100), nn.Sigmoid(), nn.Linear(100, 10)]
    elif name == "e":
        layers = [nn.Conv2d(1, 16, 3), nn.ReLU()]
        for inputs, outputs in [(16, 32), (32, 64)]:
            layers += [nn.Conv2d(inputs, outputs, 3), nn.MaxPool2d(2), nn.ReLU()]
        layers += [nn.Flatten(), nn.Linear(1600, 10)]
    else:
        layers = [*conv(1, 20), nn.ReLU(), *conv(20, 40), nn.ReLU(), nn.Flatten()]
        if name == "c":
            layers += [nn.Linear(640, 100), nn.ReLU(), nn.Linear(100, 10)]
        else:
            for inputs in [640, 1000]:
                layers += [nn.Dropout(0.5), nn.Linear(inputs, 1000), nn.ReLU()]
            layers += [nn.Dropout(0.5), nn.Linear(1000, 10)]
    return nn.Sequential(*layers)


def load(name):
    images, labels = common.digits(name)
    images = torch.from_numpy(images)
    if options.network != "a":
        images = images.reshape(-1, 1, 28, 28)
    return images.to(memory_format=layout) if images.dim() == 4 else images, torch.from_numpy(labels).long()


layout = torch.contiguous_format if options.variant == "eager" else torch.channels_last
model = network(options.network)
for layer in model:
    if isinstance(layer, (nn.Linear, nn.Conv2d)):
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
if options.network != "a":
    model = model.to(memory_format=layout)

test_images, test_labels = load("t10k")


def right():
    model.eval()
    with torch.inference_mode():
        count = (model(test_images[:1000]).argmax(1) == test_labels[:1000]).sum().item()
    model.train()
    return count


if options.mode == "train":
    images, labels = load("train")
    batches = len(images) // options.batch
    names, weights = zip(*model.named_parameters())
    cost = nn.CrossEntropyLoss()
    eta = common.ETA[options.network]
    done = 0

    def eager_step(images, labels):
        slopes = torch.autograd.grad(cost(model(images), labels), weights)
        with torch.no_grad():
            torch._foreach_add_(weights, slopes, alpha=-eta)

    # Without autograd's tape the compiler sees the gradient and the update as one graph.
    def pure_cost(values, images, labels):
        return cost(functional_call(model, dict(zip(names, values)), images), labels)

    @torch.compile(disable=options.variant != "compiled")
    def pure_step(values, images, labels):
        for value, slope in zip(values, torch.func.grad(pure_cost)(values, images, labels)):
            value.add_(slope, alpha=-eta)

    # The same memory, without a tape.
    values = tuple(weight.detach() for weight in weights)

    def work(steps):
        global done
        for _ in range(steps):
            here = slice(done % batches * options.batch, (done % batches + 1) * options.batch)
            done += 1
            if options.variant == "compiled":
                pure_step(values, images[here], labels[here])
            else:
                eager_step(images[here], labels[here])

    common.serve(options, work, right)
else:
    model = nn.Sequential(model, nn.Softmax(1)).eval()
    batches = len(test_images) // options.batch
    with torch.inference_mode():
        if options.variant == "traced":
            model = torch.jit.optimize_for_inference(torch.jit.trace(model, test_images[: options.batch]))
        elif options.variant == "compiled":
            torch._inductor.config.freezing = True
            model = torch.compile(model)

        def work(steps):
            for step in range(steps):
                first = step % batches * options.batch
                model(test_images[first : first + options.batch])

        common.serve(options, work)
