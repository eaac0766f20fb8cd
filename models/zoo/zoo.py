#!/usr/bin/env python3
"""Export the ten architectures, convert them, hold them against PyTorch and
print the table.

    python3 zoo.py BUILD

BUILD holds the mlinfer command; what is made goes to BUILD/zoo.
"""
import json
import logging
import os
import subprocess
import sys
import warnings

import numpy as np
import onnx
import torch

import conv
import mlp
import rnn
import spectral
import transformer
import vae

logging.disable(logging.WARNING)  # torch's, about packages it could use
SIZE = 1024
UNITS = 64  # of the mixture density network
TOLERANCE = 1e-5  # of full scale


def window(steps=1):
    return [0.3 * torch.randn(steps, SIZE)]


def movement(steps=32):
    return [torch.randn(steps, 2).cumsum(0) * 0.05]


OLD, NEW = "torchscript", "dynamo"
# name, module, its options, inputs, the parameters and multiply-accumulates
# that the architecture has
ZOO = [
    ("single_mm", mlp.SingleMM, {}, window, 1048576, 1048576),
    ("basic_mlp", mlp.BasicMLP, {}, window, 3148800, 3145728),
    ("siren_mlp", mlp.SirenMLP, {}, window, 198145, 201850880),
    ("simple_conv_1d", conv.SimpleConv, {}, window, 594696, 297764864),
    ("resnet_1d", conv.ResNet, {}, window, 1184264, 1208478208),
    ("simple_rnn", rnn.SimpleRNN, {}, window, 66304, 67371008),
    ("transformer_block", transformer.TransformerBlock, {}, window,
     1582592, 201981952),
    # with scores and weighted sums of 128 x 128 positions
    ("transformer_attend", transformer.TransformerBlock, {"attend": True},
     window, 1582592, 201981952 + 2 * 512 * (128 * 128 - 128)),
    ("log_spectrum", None, {}, window, 0, 0),
    ("variational_encoder", vae.VariationalEncoder, {}, window,
     262400, 262144),
    ("mdrnn", rnn.MDRNN, {}, movement, 51801, 51264),
]
STATES = {"mdrnn": ["h1", "c1", "h2", "c2"]}
OUTPUTS = {"mdrnn": ["point", "mus", "sigmas", "pis"]}


def module_of(name, kind, options, exporter):
    torch.manual_seed(20)
    if name == "log_spectrum":
        kind = (spectral.LogSpectrum if exporter == NEW
                else spectral.LogSpectrumMatrix)
    return kind(**options).eval()


def example(name, inputs):
    first = [x[:1] for x in inputs]
    return tuple(first + [torch.ones(1, UNITS) for _ in STATES.get(name, [])])


def export(name, module, inputs, exporter, path):
    states = STATES.get(name, [])
    names = dict(input_names=["x"] + states,
                 output_names=OUTPUTS.get(name, ["y"])
                 + [s + "_out" for s in states])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, example(name, inputs), path,
                          dynamo=exporter == NEW,
                          opset_version=18 if exporter == NEW else 17,
                          external_data=False, verbose=False, **names)


def label(path, name):
    """States begin as ones, as the architecture has it."""
    model = onnx.load(path)
    for state in STATES.get(name, []):
        model.metadata_props.add(key="mlinfer.initial." + state, value="1")
    onnx.save(model, path)


def open_noise(path, opened):
    """The same graph with its random numbers as inputs: only so can it be
    held against PyTorch. Answers the shapes of the noise."""
    model = onnx.load(path)
    shapes = onnx.shape_inference.infer_shapes(model)
    known = {v.name: v for v in shapes.graph.value_info}
    noise = []
    for node in list(model.graph.node):
        if not node.op_type.startswith("Random"):
            continue
        value = known[node.output[0]]
        noise.append([d.dim_value
                      for d in value.type.tensor_type.shape.dim])
        model.graph.node.remove(node)
        node_input = onnx.ValueInfoProto()
        node_input.CopyFrom(value)
        model.graph.input.append(node_input)
    onnx.save(model, opened)
    return noise


class Noise:
    """Stands in for torch's random numbers, in the order of their use."""

    def __init__(self, values):
        self.values = list(values)

    def __enter__(self):
        self.old = torch.rand_like, torch.randn_like
        torch.rand_like = torch.randn_like = self.draw

    def __exit__(self, *_):
        torch.rand_like, torch.randn_like = self.old

    def draw(self, like):
        return self.values.pop(0).reshape(like.shape)


def reference(name, module, inputs, noise):
    """Every output of every step, the states carried on."""
    states = [torch.ones(1, UNITS) for _ in STATES.get(name, [])]
    rows = []
    with torch.no_grad():
        for step in range(len(inputs[0])):
            with Noise([n[step] for n in noise]):
                out = module(*[x[step:step + 1] for x in inputs], *states)
            out = out if isinstance(out, tuple) else (out,)
            if states:
                states = list(out[-len(states):])
                out = out[:-len(states)]
            rows.append([o.reshape(-1).numpy() for o in out])
    return [np.stack(o) for o in zip(*rows)]


def run(command, model, inputs, folder):
    os.makedirs(folder, exist_ok=True)
    arguments = [command, "run", model, "-o", folder]
    for i, x in enumerate(inputs):
        path = os.path.join(folder, "input_%d.npy" % i)
        np.save(path, x.numpy())
        arguments += ["--npy", path]
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


def largest_error(expected, folder, names):
    worst = 0.0
    for e, n in zip(expected, names):
        got = np.load(os.path.join(folder, n + ".npy")).reshape(e.shape)
        worst = max(worst, np.abs(got - e).max() / np.abs(e).max())
    return worst


def compare(command, name, module, inputs, path, folder):
    """The largest error of full scale; random graphs with the noise given."""
    noise = []
    opened = path.replace(".onnx", ".noise.onnx")
    shapes = open_noise(path, opened)
    torch.manual_seed(7)
    for shape in shapes:
        uniform = name == "mdrnn" and shape[-1] == 5
        draw = torch.rand if uniform else torch.randn
        noise.append(draw(len(inputs[0]), int(np.prod(shape))))
    expected = reference(name, module, inputs, noise)
    run(command, opened if shapes else path, list(inputs) + noise, folder)
    os.remove(opened)
    return largest_error(expected, folder, OUTPUTS.get(name, ["y"]))


def cost(command, model, info):
    """Time of a frame, list or window with the best kernels, in microseconds."""
    done = subprocess.run([command, "bench", model, "--seconds", "0.4",
                           "--json"], check=True, capture_output=True,
                          text=True)
    return json.loads(done.stdout)["ns_per_frame"] * (info["hop"] or 1) / 1000


def row(build, entry, exporter):
    name, kind, options, make_inputs, parameters, macs = entry
    command = os.path.join(build, "mlinfer")
    base = os.path.join(build, "zoo", "%s.%s" % (name, exporter))
    module = module_of(name, kind, options, exporter)
    torch.manual_seed(11)
    inputs = make_inputs()
    export(name, module, inputs, exporter, base + ".onnx")
    label(base + ".onnx", name)
    done = subprocess.run([command, "convert", base + ".onnx", "-o",
                           base + ".bin"], capture_output=True, text=True)
    if done.returncode:
        return name, exporter, done.stderr.strip()
    info = json.loads(subprocess.run(
        [command, "info", base + ".bin", "--json"], check=True,
        capture_output=True, text=True).stdout)
    error = compare(command, name, module, inputs, base + ".onnx",
                    base + ".run")
    wrong = []
    if error > TOLERANCE:
        wrong.append("error over %g" % TOLERANCE)
    if exporter == OLD and name == "log_spectrum":
        macs = 2 * SIZE * (SIZE // 2 + 1)
    if info["macs_per_frame"] > macs:
        wrong.append("multiply-accumulates: expected %d" % macs)
    # PyTorch's count: exporters keep equal tensors once
    learned = sum(p.numel() for p in module.parameters())
    if learned != parameters:
        wrong.append("parameters: expected %d" % parameters)
    return (name, exporter, learned, info, error,
            cost(command, base + ".bin", info), ", ".join(wrong))


def main():
    build = sys.argv[1]
    os.makedirs(os.path.join(build, "zoo"), exist_ok=True)
    failed = 0
    print("%-20s %-12s %10s %14s %-7s %9s %9s %9s %12s"
          % ("model", "exporter", "parameters", "MACs a call", "mode",
             "arena B", "state B", "error", "time a call"))
    for entry in ZOO:
        for exporter in (OLD, NEW):
            r = row(build, entry, exporter)
            if len(r) == 3:
                print("%-20s %-12s %s" % r)
                failed = 1
                continue
            name, exporter, learned, info, error, time, wrong = r
            print("%-20s %-12s %10d %14d %-7s %9d %9d %9.1e %9.1f us %s"
                  % (name, exporter, learned, info["macs_per_frame"],
                     info["mode"],
                     info["arena_bytes"], info["state_bytes"], error, time,
                     wrong), flush=True)
            failed |= wrong != ""
    return failed


if __name__ == "__main__":
    sys.exit(main())
