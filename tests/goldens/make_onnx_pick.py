#!/usr/bin/env python3
"""Make the goldens of models that compare, choose and index.

What both PyTorch exporters and tf2onnx write for where, gather, top-k, arg-max,
one-hot, scatter, cumulative sums, integer division and logic. Needs torch,
tensorflow, tf2onnx, onnx and onnxruntime (models/requirements.txt). Writes
tests/goldens/onnx-pick/NAME/ with model.onnx, in0.npy and out0.npy (ONNX
Runtime's answer) and list.txt, in the form of make_onnx_graphs.py.
"""
import os
import shutil

import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx-pick")
T = 60
lines = []


class Choices(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 5)
        self.layer = nn.Linear(8, 10)

    def forward(self, x):
        h = self.layer(x)
        best, at = torch.topk(h, 3, dim=-1)
        order, places = torch.sort(h, dim=-1, descending=True)
        whole = (h * 10).int()
        parts = [
            best, at, order, places, h.argmin(-1, keepdim=True),
            self.table(h.argmax(-1)), torch.where(h > 0.2, h, -2 * h),
            torch.gather(h, 1, at.flip(-1)),
            h.masked_fill(h < 0, -1e4).softmax(-1), torch.cumsum(h, -1),
            F.one_hot(h.argmax(-1), 10),
            torch.zeros_like(h).scatter(1, at, best),
            torch.zeros_like(h).scatter_add(1, at % 4, best),
            whole % 4, torch.div(whole, 3, rounding_mode="trunc"),
            ((h > 0) & (h < 1)) | (h < -0.5), torch.logical_xor(h > 0, h < 0.1),
            torch.tril(h[:, :, None] * h[:, None, :])[0].reshape(1, -1),
            torch.fmod(h, 0.3), torch.remainder(h, -0.3), torch.isnan(h),
            torch.atan(h), h[:, at[0]],
            (h.unsqueeze(-1) > torch.tensor([-0.5, 0.0, 0.5])).sum(-1),
        ]
        return torch.cat([p.float() for p in parts], 1)


class Frames(nn.Module):
    """A causal layer, then choices in every frame."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv1d(2, 6, 4)
        self.table = nn.Embedding(6, 3)

    def forward(self, x):
        h = self.layer(F.pad(x, (3, 0)))
        best, at = torch.topk(h, 2, dim=1)
        looked = self.table(h.argmax(1)).transpose(1, 2)
        loud = (h.abs().amax(1, keepdim=True) > 0.5).float()
        return torch.cat([
            best, at.float(), looked, torch.where(h > 0, h, h * 0.1) * loud,
            torch.gather(h, 1, at.flip(1)), torch.cumsum(h, 1),
            torch.zeros_like(h).scatter(1, at, best)], 1)


class Phase(nn.Module):
    """An oscillator: a running sum along time."""

    def forward(self, x):
        turns = torch.cumsum(0.1 * x.abs(), dim=2)
        return torch.sin(6.2831853 * turns)


def chosen(x):
    h = tf.matmul(x, tf.constant(np.float32(weights)))
    best, at = tf.math.top_k(h, 3)
    return tf.concat([
        best, tf.cast(at, tf.float32), tf.where(h > 0.2, h, -2.0 * h),
        tf.gather(tf.constant(np.float32(weights)), tf.argmax(h, 1)),
        tf.one_hot(tf.argmin(h, 1), 8), tf.cumsum(h, 1, reverse=True),
        tf.gather(h, at, axis=1, batch_dims=1),
        tf.cast(tf.cast(h * 10, tf.int32) // 3, tf.float32),
        tf.math.floormod(h, 0.3), tf.reverse(h, [1]),
        tf.cast(tf.logical_and(h > 0, tf.logical_not(h > 1)), tf.float32)], 1)


def port(array, time):
    if time is None:
        return array.reshape(-1)
    array = np.moveaxis(array, time, 0)
    return np.ascontiguousarray(array.reshape(array.shape[0], -1))


def save(model, path):
    """Weights inside; nothing about the machine that it was made on."""
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input,
                  *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.metadata_props[:], model.graph.metadata_props[:]
    onnx.save(model, path)


def golden(name, x, mode, time):
    folder = os.path.join(HERE, name)
    path = os.path.join(folder, "model.onnx")
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    y, = session.run(None, {session.get_inputs()[0].name: x})
    np.save(os.path.join(folder, "in0.npy"), port(x, time))
    np.save(os.path.join(folder, "out0.npy"), port(y, time))
    lines.append(f"{name} {mode} 0 0 auto")


def export(name, model, x, mode, time):
    for kind, opset in (("old", 17), ("new", 18)):
        folder = os.path.join(HERE, f"{name}-{kind}{opset}")
        path = os.path.join(folder, "model.onnx")
        os.makedirs(folder)
        torch.onnx.export(model, (torch.tensor(x),), path, opset_version=opset,
                          dynamo=kind == "new", input_names=["x"],
                          output_names=["y"])
        save(onnx.load(path), path)
        for extra in os.listdir(folder):
            if extra.endswith(".data"):
                os.remove(os.path.join(folder, extra))
        golden(os.path.basename(folder), x, mode, time)


shutil.rmtree(HERE, ignore_errors=True)
os.makedirs(HERE)
torch.manual_seed(11)
random = np.random.default_rng(11)
weights = random.standard_normal((6, 8))
row = random.standard_normal((1, 8)).astype(np.float32)
signal = random.standard_normal((1, 2, T)).astype(np.float32)
export("torch", Choices().eval(), row, "step", None)
export("torch-frames", Frames().eval(), signal, "stream", 2)
export("torch-phase", Phase().eval(), signal, "stream", 2)
os.makedirs(os.path.join(HERE, "tf"))
tf2onnx.convert.from_function(
    tf.function(chosen), opset=17,
    input_signature=[tf.TensorSpec([1, 6], tf.float32, name="x")],
    output_path=os.path.join(HERE, "tf", "model.onnx"))
golden("tf", row[:, :6].copy(), "step", None)
with open(os.path.join(HERE, "list.txt"), "w") as f:
    f.write("\n".join(lines) + "\n")
