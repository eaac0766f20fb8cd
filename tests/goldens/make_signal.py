#!/usr/bin/env python3
"""Make the goldens of spectra, attention, quantised and recurrent layers.

Needs torch, onnx, onnxscript, onnxruntime and numpy (models/requirements.txt).
Writes tests/goldens/signal/NAME/{model.onnx, input.npy, output.npy} and
signal/list.txt: a name and the mode that the model gets, a line each. Outputs
are ONNX Runtime's, but for spectra, which it computes with larger errors than
are allowed here: those are PyTorch's.

Seeds are fixed; another version of a library may still write other bytes.
"""
import os
import shutil
import sys
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn as nn
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat,
                                      QuantType, quantize_dynamic,
                                      quantize_static)

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "signal")
LIST = []


def keep(name, mode, model, x, y):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    onnx.save(model, os.path.join(folder, "model.onnx"))
    np.save(os.path.join(folder, "input.npy"), np.ascontiguousarray(x))
    np.save(os.path.join(folder, "output.npy"), np.ascontiguousarray(y))
    LIST.append(f"{name} {mode}")


def run(model, x):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def export(module, x, way):
    """old17: TorchScript's exporter and that opset; new18: the newer one."""
    path = os.path.join(HERE, "tmp.onnx")
    module.eval()
    if way.startswith("old"):
        torch.onnx.export(module, (x,), path, dynamo=False,
                          opset_version=int(way[3:]))
    else:
        torch.onnx.export(module, (x,), path, dynamo=True, verbose=False,
                          opset_version=int(way[3:]), external_data=False)
    model = onnx.load(path)
    os.remove(path)
    for node in model.graph.node:  # where its maker read it from
        del node.metadata_props[:]
        node.doc_string = ""
    return model


# ---------------------------------------------------------------- spectra --

class Magnitude(nn.Module):
    def __init__(self, center):
        super().__init__()
        self.center = center
        self.register_buffer("window", torch.hann_window(64))

    def forward(self, x):
        s = torch.stft(x, 64, 16, 64, self.window, center=self.center,
                       return_complex=True)
        return (s.real**2 + s.imag**2 + 1e-7).sqrt()


class Power(nn.Module):
    def forward(self, x):
        s = torch.fft.rfft(x, 240, -1, norm="ortho")
        return (s.real**2 + s.imag**2 + 1e-4).log()


class Filtered(nn.Module):
    """There and back, with the spectrum scaled in between."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.linspace(1, 0, 51))

    def forward(self, x):
        return torch.fft.irfft(torch.fft.rfft(x) * self.gain, 100)


def spectra():
    for name, module, size in (("stft", Magnitude(False), 256),
                               ("stft-center", Magnitude(True), 256),
                               ("rfft", Power(), 240),
                               ("irfft", Filtered(), 100)):
        for way in ("new18", "new20"):
            x = torch.randn(1, size)
            model = export(module, x, way)
            with torch.no_grad():
                y = module.double()(x.double()).float().numpy()
            module.float()
            keep(f"{name}-{way}", "window", model, x.numpy(), y)


# -------------------------------------------------------------- attention --

class SelfAttention(nn.Module):
    def __init__(self, batch_first, causal):
        super().__init__()
        self.m = nn.MultiheadAttention(16, 2, batch_first=batch_first)
        self.register_buffer("mask", nn.Transformer
                             .generate_square_subsequent_mask(12))
        self.causal = causal

    def forward(self, x):
        mask = self.mask if self.causal else None
        return self.m(x, x, x, attn_mask=mask, need_weights=False)[0]


def attention():
    for way in ("new18", "new23"):
        layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True,
                                           norm_first=way == "new23",
                                           activation="gelu")
        x = torch.randn(1, 12, 16)
        model = export(layer, x, way)
        keep(f"transformer-{way}", "window", model, x.numpy(),
             layer(x).detach().numpy())
    for name, batch_first, causal, ways in (
            ("attention", True, False, ("old17", "new23")),
            ("attention-causal", True, True, ("old17", "new18", "new23")),
            ("attention-tbc", False, True, ("old14", "new18"))):
        for way in ways:
            module = SelfAttention(batch_first, causal)
            x = torch.randn((1, 12, 16) if batch_first else (12, 1, 16))
            model = export(module, x, way)
            keep(f"{name}-{way}", "window", model, x.numpy(),
                 run(model, x.numpy()))


# -------------------------------------------------------------- quantised --

class Samples(CalibrationDataReader):
    def __init__(self, name, shape):
        rng = np.random.default_rng(1)
        self.all = iter([{name: rng.standard_normal(shape).astype(np.float32)}
                         for _ in range(32)])

    def get_next(self):
        return next(self.all, None)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 20), nn.ReLU(),
                                 nn.Linear(20, 20), nn.Tanh(),
                                 nn.Linear(20, 3))

    def forward(self, x):
        return self.net(x)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(2, 8, 5, padding=2)
        self.b = nn.Conv1d(8, 8, 3, padding=1, groups=2)
        self.c = nn.Linear(8, 4)

    def forward(self, x):
        y = torch.relu(self.a(x))
        return self.c((y + torch.sigmoid(self.b(y))).mean(-1))


def quantised():
    for name, module, shape, mode in (("mlp", Mlp(), (1, 8), "step"),
                                      ("cnn", Cnn(), (1, 2, 40), "window")):
        plain = os.path.join(HERE, "plain.onnx")
        made = os.path.join(HERE, "quantised.onnx")
        onnx.save(export(module, torch.randn(shape), "old17"), plain)
        port = onnx.load(plain).graph.input[0].name
        x = np.random.default_rng(2).standard_normal(shape)
        x = x.astype(np.float32)
        kinds = (("qdq", QuantFormat.QDQ, False, QuantType.QInt8),
                 ("qdq-channels", QuantFormat.QDQ, True, QuantType.QUInt8),
                 ("qoperator", QuantFormat.QOperator, False, QuantType.QUInt8),
                 ("qoperator-channels", QuantFormat.QOperator, True,
                  QuantType.QInt8))
        for kind, form, channels, activations in kinds:
            quantize_static(plain, made, Samples(port, shape),
                            quant_format=form, per_channel=channels,
                            activation_type=activations,
                            weight_type=QuantType.QInt8)
            model = onnx.load(made)
            keep(f"{name}-{kind}", mode, model, x, run(model, x))
        quantize_dynamic(plain, made, weight_type=QuantType.QInt8)
        model = onnx.load(made)
        keep(f"{name}-dynamic", mode, model, x, run(model, x))
        os.remove(plain)
        os.remove(made)


# -------------------------------------------------------------- recurrent --

def recurrent():
    rng = np.random.default_rng(3)

    def numbers(*shape):
        return (rng.standard_normal(shape) * 0.7).astype(np.float32)

    def layer(name, kind, directions, attributes, peepholes=False,
              lengths=None):
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
        units, inputs, frames, batch = 5, 3, 7, 2
        d = directions
        given = {"w": numbers(d, gates * units, inputs),
                 "r": numbers(d, gates * units, units),
                 "b": numbers(d, 2 * gates * units),
                 "lengths": lengths and np.array(lengths, np.int32),
                 "h": numbers(d, batch, units)}
        if kind == "LSTM":
            given["c"] = numbers(d, batch, units)
            given["p"] = numbers(d, 3 * units) if peepholes else None
        names = ["x"] + [k if v is not None else "" for k, v in given.items()]
        while not names[-1]:
            names.pop()
        nodes = [helper.make_node(kind, names, ["y", "last"],
                                  hidden_size=units, **attributes),
                 helper.make_node("Unsqueeze", ["last", "zero"], ["ends"]),
                 helper.make_node("Concat", ["y", "ends"], ["out"], axis=0)]
        constants = [numpy_helper.from_array(v, k) for k, v in given.items()
                     if v is not None]
        constants.append(numpy_helper.from_array(np.array([0]), "zero"))
        shape = [frames, batch, inputs]
        graph = helper.make_graph(
            nodes, name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
            constants)
        model = helper.make_model(graph, ir_version=8, opset_imports=[
            helper.make_opsetid("", 14)])
        x = numbers(*shape)
        keep(name, "window", model, x, run(model, x))

    layer("lstm-peepholes", "LSTM", 1, {"clip": 2.0}, peepholes=True)
    layer("lstm-both-ways", "LSTM", 2,
          {"direction": "bidirectional", "input_forget": 1,
           "activations": ["Sigmoid", "Softsign", "Tanh",
                           "HardSigmoid", "ScaledTanh", "Affine"],
           "activation_alpha": [0.3, 0.9, 0.8],
           "activation_beta": [0.4, 0.7, 0.1]}, peepholes=True)
    layer("gru-lengths", "GRU", 2, {"direction": "bidirectional"},
          lengths=[7, 4])
    layer("rnn-backwards", "RNN", 1,
          {"direction": "reverse", "activations": ["LeakyRelu"],
           "activation_alpha": [0.2]})


# ---------------------------------------------------------------- control --

def control():
    rng = np.random.default_rng(4)
    body = helper.make_graph(
        [helper.make_node("Mul", ["s", "half"], ["faded"]),
         helper.make_node("Add", ["faded", "v"], ["t"]),
         helper.make_node("Tanh", ["t"], ["o"])],
        "body",
        [helper.make_tensor_value_info("s", TensorProto.FLOAT, [3]),
         helper.make_tensor_value_info("v", TensorProto.FLOAT, [3])],
        [helper.make_tensor_value_info("t", TensorProto.FLOAT, [3]),
         helper.make_tensor_value_info("o", TensorProto.FLOAT, [3])])
    graph = helper.make_graph(
        [helper.make_node("Scan", ["start", "x"], ["end", "y"], body=body,
                          num_scan_inputs=1),
         helper.make_node("Einsum", ["y", "y"], ["z"], equation="ij,kj->ik"),
         helper.make_node("ReduceSum", ["end"], ["sum"], keepdims=0),
         helper.make_node("Add", ["z", "sum"], ["out"])],
        "scan", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [9, 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [9, 9])],
        [numpy_helper.from_array(np.array(0.5, np.float32), "half"),
         numpy_helper.from_array(np.zeros(3, np.float32), "start")])
    model = helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 16)])
    x = rng.standard_normal((9, 3)).astype(np.float32)
    keep("scan", "window", model, x, run(model, x))


def main():
    warnings.filterwarnings("ignore")
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(HERE)
    torch.manual_seed(11)
    spectra()
    attention()
    quantised()
    recurrent()
    control()
    with open(os.path.join(HERE, "list.txt"), "w") as f:
        f.write("\n".join(LIST) + "\n")


if __name__ == "__main__":
    sys.exit(main())
