#!/usr/bin/env python3
"""Make the ONNX goldens: small PyTorch models through both of its exporters.

Needs torch, onnx, onnxscript, onnxruntime and numpy (models/requirements.txt).
Writes tests/goldens/onnx/NAME/{model.onnx[, model.onnx.data], input.npy,
output.npy}, onnx/bad/*.onnx, onnx/list.txt and onnx/README.md. The output is
ONNX Runtime's; each is also compared with PyTorch in double precision here.

Seeds are fixed; another version of PyTorch may still write other bytes.
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
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
T = 300  # frames in a stream golden


# ------------------------------------------------------------- step models --

class Mlp(nn.Module):
    """Three sensors to two parameters."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 10), nn.Tanh(), nn.Linear(10, 7),
                                 nn.ReLU(), nn.Linear(7, 2), nn.Sigmoid())

    def forward(self, x):
        return self.net(x)


class MlpNorm(nn.Module):
    """LayerNorm, GELU of both kinds, SiLU, a residual."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 12)
        self.norm = nn.LayerNorm(12)
        self.b = nn.Linear(12, 12)
        self.norm2 = nn.LayerNorm(12, eps=1e-3)
        self.c = nn.Linear(12, 12)
        self.d = nn.Linear(12, 3)

    def forward(self, x):
        x = F.gelu(self.norm(self.a(x)))
        x = x + F.silu(self.b(x))
        x = F.gelu(self.c(self.norm2(x)), approximate="tanh")
        return self.d(x)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 16)
        self.b = nn.Linear(16, 5)

    def forward(self, x):
        return F.softmax(self.b(F.leaky_relu(self.a(x), 0.1)), dim=-1)


class LogClassifier(Classifier):
    def forward(self, x):
        return F.log_softmax(self.b(F.elu(self.a(x))), dim=1)


class Functions(nn.Module):
    """Every activation of the house, and shape work around them."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(5, 12)
        self.prelu = nn.PReLU(12)

    def forward(self, x):
        x = self.a(x)
        a, b, c = torch.chunk(x, 3, dim=-1)
        y = torch.cat([
            F.elu(a, 0.7), F.selu(b), F.softplus(c), F.softsign(a),
            F.hardtanh(b, -0.4, 0.6), F.relu6(4 * c), F.hardsigmoid(a),
            F.hardswish(b), F.celu(c, 0.5), torch.sin(a), torch.cos(b),
            torch.exp(c), torch.log(torch.abs(a) + 1), torch.sqrt(b * b + 0.1),
            torch.erf(c), F.mish(a), 1 / (b.abs() + 1), self.prelu(x),
            torch.clamp(c, min=0.1), torch.clamp(a, max=0.1),
            torch.maximum(a, b), torch.minimum(b, c), a ** 2 - b / 3, -c,
        ], dim=-1)
        z = y.reshape(-1, 4, 26)
        z = z.transpose(1, 2)
        s = torch.cat([z.mean(dim=2), z.amax(dim=2), z.amin(dim=2),
                       z.sum(dim=2), torch.logsumexp(z, dim=2),
                       z[:, :, 1], z[:, ::3, 2], z[:, 2:-2:2, 0]], dim=1)
        return s


class TwoPorts(nn.Module):
    """Two inputs and two outputs, broadcasting."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 6)
        self.b = nn.Linear(2, 6)
        self.c = nn.Linear(6, 4)

    def forward(self, x, g):
        h = torch.tanh(self.a(x)) * torch.sigmoid(self.b(g))
        return self.c(h), h.sum(dim=-1, keepdim=True)


# ----------------------------------------------------------- stream models --

class WaveNet(nn.Module):
    """Dilated causal convolutions padded on the left, gates, skips: [1, 1, T].
    """

    def __init__(self, ch=5, dilations=(1, 2, 4, 8)):
        super().__init__()
        self.start = nn.Conv1d(1, ch, 1)
        self.dil = nn.ModuleList(
            [nn.Conv1d(ch, 2 * ch, 3, dilation=d) for d in dilations])
        self.res = nn.ModuleList([nn.Conv1d(ch, ch, 1) for _ in dilations])
        self.skip = nn.ModuleList([nn.Conv1d(ch, ch, 1) for _ in dilations])
        self.end1 = nn.Conv1d(ch, ch, 1)
        self.end2 = nn.Conv1d(ch, 1, 1)

    def forward(self, x):
        x = self.start(x)
        total = 0
        for dil, res, skip in zip(self.dil, self.res, self.skip):
            pad = (dil.kernel_size[0] - 1) * dil.dilation[0]
            a, b = dil(F.pad(x, (pad, 0))).chunk(2, dim=1)
            z = torch.tanh(a) * torch.sigmoid(b)
            total = total + skip(z)
            x = x + res(z)
        return self.end2(F.relu(self.end1(F.relu(total))))


class ConvTrim(nn.Module):
    """Padded on both sides, the tail cut off; BatchNorm, PReLU, groups."""

    def __init__(self):
        super().__init__()
        def conv(i, o, k, d, g=1, bias=True):
            return nn.Conv1d(i, o, k, dilation=d, groups=g, bias=bias,
                             padding=(k - 1) * d)
        self.c = nn.ModuleList([conv(1, 6, 4, 1), conv(6, 6, 3, 2, 6),
                                conv(6, 6, 3, 4, 2),
                                conv(6, 6, 2, 5, 6, False)])
        self.bn = nn.ModuleList([nn.BatchNorm1d(6) for _ in range(4)])
        self.act = nn.ModuleList([nn.PReLU(6), nn.LeakyReLU(0.2), nn.PReLU(),
                                  nn.LeakyReLU()])
        self.mix = nn.Conv1d(6, 2, 1)
        for bn in self.bn:
            nn.init.uniform_(bn.running_mean, -0.5, 0.5)
            nn.init.uniform_(bn.running_var, 0.3, 2)
            nn.init.uniform_(bn.weight, 0.5, 1.5)
            nn.init.uniform_(bn.bias, -0.5, 0.5)

    def forward(self, x):
        for i, (c, bn, act) in enumerate(zip(self.c, self.bn, self.act)):
            y = c(x)
            y = y[..., :-c.padding[0]]
            # once straight behind the convolution, once behind the activation
            y = act(bn(y)) if i % 2 == 0 else bn(act(y))
            x = y if i == 0 else x + y
        return self.mix(x)


class ConvSame(nn.Module):
    """Symmetric padding: look-ahead becomes latency 1 + 4 + 1 = 6."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(2, 4, 3, padding=1)
        self.b = nn.Conv1d(4, 4, 5, padding=4, dilation=2)
        self.c = nn.Conv1d(4, 1, 3, padding=1)

    def forward(self, x):
        x = torch.tanh(self.a(x))
        x = x + torch.tanh(self.b(x))
        return self.c(x)


class ConvValid(nn.Module):
    """No padding at all: the output is 6 + 4 = 10 frames shorter."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(1, 4, 4, dilation=2)
        self.b = nn.Conv1d(4, 1, 5)

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


class FrameClassifier(nn.Module):
    """Causal convolution, normalised and classified frame by frame."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(3, 8, 5)
        self.norm = nn.LayerNorm(8)
        self.b = nn.Linear(8, 4)

    def forward(self, x):
        x = self.a(F.pad(x, (4, 0))).transpose(1, 2)
        return F.softmax(self.b(F.silu(self.norm(x))), dim=-1)


class Recurrent(nn.Module):
    def __init__(self, kind, inputs, units, outputs, layers=1,
                 batch_first=True, **more):
        super().__init__()
        self.rnn = kind(inputs, units, num_layers=layers,
                        batch_first=batch_first, **more)
        self.out = nn.Linear(units, outputs)

    def forward(self, x):
        return self.out(self.rnn(x)[0])


class LstmSkip(nn.Module):
    """The amp model of the field: LSTM, dense, plus the dry input."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(1, 9, batch_first=True)
        self.out = nn.Linear(9, 1)

    def forward(self, x):
        return self.out(self.rnn(x)[0]) + x


class LstmState(nn.Module):
    """Learned initial states."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(2, 6)
        self.h = nn.Parameter(torch.randn(1, 1, 6) * 0.5)
        self.c = nn.Parameter(torch.randn(1, 1, 6) * 0.5)

    def forward(self, x):
        return self.rnn(x, (self.h, self.c))[0]


class Crnn(nn.Module):
    """Convolution, transpose, GRU, transpose, convolution."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(2, 6, 3)
        self.rnn = nn.GRU(6, 8, batch_first=True)
        self.b = nn.Conv1d(8, 2, 2)

    def forward(self, x):
        y = torch.relu(self.a(F.pad(x, (2, 0))))
        y, _ = self.rnn(y.transpose(1, 2))
        y = self.b(F.pad(y.transpose(1, 2), (1, 0)))
        return y + x


# ------------------------------------------------------------------- cases --

def signal(channels, time_axis, frames=T):
    """Sums of sines and noise, one row a channel, time where the graph has it:
    1 = [1, T, C], 2 = [1, C, T], 0 = [T, 1, C]."""
    rng = np.random.RandomState(7)
    t = np.arange(frames) / 100.0
    rows = [0.5 * np.sin((3 + 2 * c) * t * (1 + 0.2 * t)) +
            0.3 * rng.randn(frames) for c in range(channels)]
    x = torch.tensor(np.array(rows, np.float32))
    if time_axis == 2:
        return x[None]
    if time_axis == 1:
        return x.t()[None].contiguous()
    return x.t()[:, None].contiguous()


def rows(n, channels):
    rng = np.random.RandomState(5)
    return torch.tensor(rng.uniform(-1, 1, (n, channels)).astype(np.float32))


# name, maker, inputs, mode, latency, what varies, exports: (exporter, opset,
# variant). Exporters: old = TorchScript, new = dynamo. Variants: static,
# time (dynamic time axis), batch (dynamic first axis), both, auto (Dim.AUTO:
# the exporter may make the axis static, and does for recurrent layers), short
# (24 frames, static, which the exporter unrolls: one list in, one out).
def cases():
    lstm2 = lambda **k: Recurrent(nn.LSTM, 2, 8, 2, layers=2, **k)
    gru1 = lambda **k: Recurrent(nn.GRU, 1, 10, 1, **k)
    gru2 = lambda **k: Recurrent(nn.GRU, 3, 7, 2, layers=2, **k)
    return [
        ("mlp", Mlp, (rows(8, 3),), "step", 0, None,
         [("old", 9, "batch"), ("old", 13, "static"), ("old", 17, "batch"),
          ("new", 18, "batch"), ("new", 20, "static"), ("new", 23, "batch")]),
        ("mlp-norm", MlpNorm, (rows(8, 4),), "step", 0, None,
         [("old", 9, "static"), ("old", 13, "batch"), ("old", 17, "batch"),
          ("new", 18, "batch"), ("new", 20, "batch"), ("new", 23, "static")]),
        ("classifier", Classifier, (rows(8, 6),), "step", 0, None,
         [("old", 9, "batch"), ("old", 13, "batch"), ("new", 18, "batch")]),
        ("log-classifier", LogClassifier, (rows(8, 6),), "step", 0, None,
         [("old", 11, "batch"), ("new", 21, "static")]),
        ("functions", Functions, (rows(8, 5),), "step", 0, None,
         [("old", 14, "static"), ("old", 17, "batch"), ("new", 18, "batch"),
          ("new", 22, "static")]),
        ("two-ports", TwoPorts, (rows(1, 3), rows(1, 2)), "step", 0, None,
         [("old", 13, "static"), ("new", 18, "static")]),
        ("wavenet", WaveNet, (signal(1, 2),), "stream", 0, 2,
         [("old", 9, "static"), ("old", 11, "time"), ("old", 13, "time"),
          ("old", 17, "both"), ("new", 18, "time"), ("new", 18, "static"),
          ("new", 20, "both"), ("new", 23, "batch")]),
        ("conv-trim", ConvTrim, (signal(1, 2),), "stream", 0, 2,
         [("old", 9, "time"), ("old", 13, "static"), ("old", 17, "both"),
          ("new", 18, "time"), ("new", 20, "static"), ("new", 23, "both")]),
        ("conv-same", ConvSame, (signal(2, 2),), "stream", 6, 2,
         [("old", 13, "time"), ("new", 18, "static")]),
        ("conv-valid", ConvValid, (signal(1, 2),), "stream", 10, 2,
         [("old", 17, "time"), ("new", 18, "time")]),
        ("frame-classifier", FrameClassifier, (signal(3, 2),), "stream", 0, 2,
         [("old", 13, "time"), ("new", 18, "time"), ("new", 23, "static")]),
        ("lstm2", lstm2, (signal(2, 1),), "stream", 0, 1,
         [("old", 9, "static"), ("old", 13, "time"), ("old", 17, "both"),
          ("new", 18, "auto"), ("new", 20, "static"), ("new", 23, "auto")]),
        ("lstm2-tbc", lambda: lstm2(batch_first=False), (signal(2, 0),),
         "stream", 0, 0,
         [("old", 13, "time"), ("new", 18, "auto")]),
        ("lstm-skip", LstmSkip, (signal(1, 1),), "stream", 0, 1,
         [("old", 14, "both"), ("new", 18, "static"), ("new", 20, "auto")]),
        ("lstm-state", LstmState, (signal(2, 0),), "stream", 0, 0,
         [("old", 13, "time"), ("new", 18, "auto")]),
        ("gru", gru1, (signal(1, 1),), "stream", 0, 1,
         [("old", 9, "time"), ("old", 17, "both"), ("new", 18, "auto"),
          ("new", 23, "static")]),
        ("gru2", gru2, (signal(3, 1),), "stream", 0, 1,
         [("old", 13, "time"), ("new", 18, "auto"), ("new", 20, "auto")]),
        ("gru2-tbc", lambda: gru2(batch_first=False), (signal(3, 0),),
         "stream", 0, 0,
         [("old", 17, "static"), ("new", 18, "auto")]),
        ("rnn-tanh", lambda: Recurrent(nn.RNN, 2, 9, 1, layers=2),
         (signal(2, 1),), "stream", 0, 1,
         [("old", 9, "time"), ("old", 17, "both"), ("new", 18, "short")]),
        ("rnn-relu", lambda: Recurrent(nn.RNN, 2, 9, 1, batch_first=False,
                                       nonlinearity="relu"),
         (signal(2, 0),), "stream", 0, 0,
         [("old", 13, "time"), ("old", 17, "static"), ("new", 20, "short")]),
        ("crnn", Crnn, (signal(2, 2),), "stream", 0, 2,
         [("old", 13, "time"), ("old", 17, "both"), ("new", 18, "auto"),
          ("new", 20, "static")]),
    ]


# ----------------------------------------------------------------- exports --

def export(model, inputs, path, exporter, opset, variant, time_axis):
    names = ["input", "input2"][:len(inputs)]
    outs = ["output", "output2"][:2 if len(inputs) == 2 else 1]
    batch_axis = 1 if time_axis == 0 else 0
    dynamic = {}
    if variant in ("time", "both", "auto"):
        dynamic[time_axis] = "time"
    if variant in ("batch", "both"):
        dynamic[batch_axis] = "batch"
    if exporter == "old":
        axes = {n: dict(dynamic) for n in names + outs} if dynamic else None
        torch.onnx.export(model, inputs, path, dynamo=False,
                          opset_version=opset, input_names=names,
                          output_names=outs, dynamic_axes=axes)
        return
    # A dimension of size 1 is specialised by torch.export: give it two rows.
    if batch_axis in dynamic and inputs[0].shape[batch_axis] == 1:
        inputs = tuple(torch.cat([x, x], batch_axis) for x in inputs)
    dims = torch.export.Dim
    dim = dims.AUTO if variant == "auto" else dims.DYNAMIC
    shapes = None
    if dynamic:
        shapes = tuple({a: dim for a in dynamic} for _ in inputs)
    torch.onnx.export(model, inputs, path, dynamo=True, opset_version=opset,
                      input_names=names, output_names=outs,
                      dynamic_shapes=shapes, external_data=True,
                      verbose=False)


def strip_traces(path):
    """Source paths of the machine that exported are nobody's business."""
    m = onnx.load(path, load_external_data=False)
    for node in list(m.graph.node) + [n for f in m.functions for n in f.node]:
        node.ClearField("doc_string")
        keep = [(p.key, p.value) for p in node.metadata_props
                if "stack_trace" not in p.key]
        del node.metadata_props[:]
        for k, v in keep:
            node.metadata_props.add(key=k, value=v)
    with open(path, "wb") as f:
        f.write(m.SerializeToString(deterministic=True))
    return m


def run_ort(path, inputs):
    s = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {i.name: x.numpy() for i, x in zip(s.get_inputs(), inputs)}
    return s.run(None, feed)


def save(folder, stem, arrays):
    for i, a in enumerate(arrays):
        name = stem + (str(i + 1) if i else "") + ".npy"
        np.save(os.path.join(folder, name), np.ascontiguousarray(a))


def first_line(error):
    """The line of an exporter's long story that names the trouble."""
    lines = [l.strip() for l in str(error).splitlines() if l.strip()]
    named = [l for l in lines if "Error" in l or "nsupported" in l]
    return (named or lines or [""])[0][:160]


def make_case(name, maker, inputs, mode, latency, time_axis, exports):
    made, failed = [], []
    for exporter, opset, variant in exports:
        torch.manual_seed(1)
        model = maker().eval()
        full = f"{name}-{exporter}{opset}-{variant}"
        folder = os.path.join(HERE, full)
        os.makedirs(folder)
        path = os.path.join(folder, "model.onnx")
        x = inputs
        if variant == "short":
            x = tuple(v.narrow(time_axis, 0, 24) for v in inputs)
        if mode == "step" and variant == "static":
            x = tuple(v[:1] for v in inputs)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                export(model, x, path, exporter, opset, variant, time_axis)
            proto = strip_traces(path)
            y = run_ort(path, x)
        except Exception as e:
            shutil.rmtree(folder)
            failed.append((full, type(e).__name__ + ": " + first_line(e)))
            print("FAIL", full, failed[-1][1])
            continue
        with torch.no_grad():
            want = model.double()(*[v.double() for v in x])
        want = want if isinstance(want, tuple) else (want,)
        scale = max(float(w.abs().max()) for w in want)
        error = max(float(np.abs(a - w.numpy()).max())
                    for a, w in zip(y, want)) / scale
        assert error < 3e-6, (full, error)
        save(folder, "input", [v.numpy() for v in x])
        save(folder, "output", y)
        got = max(o.version for o in proto.opset_import if not o.domain)
        ops = sorted({n.op_type for n in proto.graph.node})
        dims = " ".join(
            "[" + ",".join(d.dim_param or str(d.dim_value)
                           for d in i.type.tensor_type.shape.dim) + "]"
            for i in proto.graph.input)
        kind = "step" if variant == "short" else mode
        made.append((full, kind, latency, got, ops, dims))
        print(f"{full}: opset {got} {error:.1e} {' '.join(ops)}")
    return made, failed


# --------------------------------------------------------------- bad files --

def write_bad():
    """Models that must be refused with one clear error."""
    bad = os.path.join(HERE, "bad")
    os.makedirs(bad)
    f = TensorProto.FLOAT

    def value(name, shape, t=f):
        return helper.make_tensor_value_info(name, t, shape)

    def write(name, nodes, inputs, outputs, weights=(), opset=17, **more):
        g = helper.make_graph(nodes, name, inputs, outputs,
                              [numpy_helper.from_array(a, n)
                               for n, a in weights])
        m = helper.make_model(g, opset_imports=[
            helper.make_opsetid(more.get("domain", ""), opset)])
        m.ir_version = 8
        m.producer_name = "mlinfer goldens"
        if "edit" in more:
            more["edit"](m)
        with open(os.path.join(bad, name + ".onnx"), "wb") as out:
            out.write(m.SerializeToString(deterministic=True))

    node = helper.make_node
    w = np.ones((3, 2), np.float32)
    write("unsupported",
          [node("Einsum", ["x", "w"], ["e"], name="mix", equation="bi,ij->bj"),
           node("Relu", ["e"], ["r"], name="relu"),
           node("NonZero", ["r"], ["n"], name="where_it_fires"),
           node("Cast", ["n"], ["y"], name="cast", to=1)],
          [value("x", [1, 3])], [value("y", [2, None])], [("w", w)])
    write("custom-domain", [node("Wobble", ["x"], ["y"], name="wobble",
                                 domain="org.example")],
          [value("x", [1, 3])], [value("y", [1, 3])])
    write("missing-input", [node("Relu", ["nowhere"], ["y"], name="relu")],
          [value("x", [1, 3])], [value("y", [1, 3])])
    write("shape-mismatch", [node("MatMul", ["x", "w"], ["y"], name="mul")],
          [value("x", [1, 4])], [value("y", [1, 2])], [("w", w)])
    write("cycle", [node("Add", ["x", "b"], ["a"], name="one"),
                    node("Relu", ["a"], ["b"], name="two"),
                    node("Neg", ["b"], ["y"], name="three")],
          [value("x", [1, 3])], [value("y", [1, 3])])
    write("integer-input", [node("Abs", ["x"], ["y"], name="abs")],
          [value("x", [1, 3], TensorProto.STRING)],
          [value("y", [1, 3], TensorProto.STRING)])
    write("no-output", [node("Relu", ["x"], ["y"], name="relu")],
          [value("x", [1, 3])], [])
    write("future-opset", [node("Relu", ["x"], ["y"], name="relu")],
          [value("x", [1, 3])], [value("y", [1, 3])], opset=999)

    def short(m):
        m.graph.initializer[0].raw_data = m.graph.initializer[0].raw_data[:-4]

    def huge(m):
        del m.graph.initializer[0].dims[:]
        m.graph.initializer[0].dims.extend([1 << 40, 1 << 40])

    def external(location):
        def edit(m):
            t = m.graph.initializer[0]
            t.ClearField("raw_data")
            t.data_location = TensorProto.EXTERNAL
            for k, v in (("location", location), ("offset", "0"),
                         ("length", "24")):
                t.external_data.add(key=k, value=v)
        return edit

    mul = [node("MatMul", ["x", "w"], ["y"], name="mul")]
    ends = ([value("x", [1, 3])], [value("y", [1, 2])], [("w", w)])
    write("short-weights", mul, *ends, edit=short)
    write("huge-weights", mul, *ends, edit=huge)
    write("external-missing", mul, *ends, edit=external("not-there.data"))
    write("external-outside", mul, *ends,
          edit=external("../bad-secret.data"))
    write("external-absolute", mul, *ends, edit=external("/etc/hostname"))
    # Reversed in time: nothing that lives can know its future.
    write("reverse-time",
          [node("LSTM", ["x", "lw", "lr"], ["h"], name="backwards",
                hidden_size=2, direction="reverse"),
           node("Squeeze", ["h", "axes"], ["y"], name="squeeze")],
          [value("x", ["time", 1, 1])], [value("y", ["time", 1, 2])],
          [("lw", np.ones((1, 8, 1), np.float32)),
           ("lr", np.ones((1, 8, 2), np.float32)),
           ("axes", np.array([1], np.int64))])


def write_unrolled():
    """nn.RNN by the new exporter, its time axis called dynamic."""
    torch.manual_seed(1)
    path = os.path.join(HERE, "bad", "rnn-unrolled.onnx")
    model = Recurrent(nn.RNN, 2, 4, 1).eval()
    export(model, (signal(2, 1, 6),), path, "new", 18, "auto", 1)
    strip_traces(path)


README = """# ONNX goldens

Made by `tests/goldens/make_onnx.py` (torch {torch}, onnx {onnx}, onnxscript
{onnxscript}, ONNX Runtime {ort}). One folder a model:

    model.onnx          as the exporter wrote it, without stack traces
    model.onnx.data     its weights, where the exporter put them in a file
    input.npy           as the graph takes it (input2.npy: the second input)
    output.npy          ONNX Runtime's answer (output2.npy: the second output)

Every answer was compared with PyTorch in double precision (3e-6 of full
scale). A folder is named MODEL-EXPORTERopset-VARIANT: exporter `old` is
`torch.onnx.export(dynamo=False)` (TorchScript), `new` is `dynamo=True`; the
number is the opset asked for; the variant names the dynamic axes: `static`
none, `time`, `batch`, `both`, or `auto` (`Dim.AUTO` on the time axis). The new
exporter does not give a recurrent layer a dynamic time axis: `Dim.DYNAMIC` ends
in "conflicts between user-specified ranges and inferred ranges", `Dim.AUTO` in
a static axis, or in an input with a dynamic one and an output without. It knows
no nn.RNN: it unrolls one over time. `short` is such a model of 24 frames, a
step model whose list is the whole sequence; `bad/rnn-unrolled.onnx` is what it
makes of a dynamic time axis.

`list.txt` has a line for each: name, mode, latency, opset found in the file.
A stream's frame t is the golden's frame t - latency. Where the golden is
shorter than its input (conv-valid), its frame 0 is the stream's frame
`latency`. A step golden with a dynamic batch has one list a row.

`bad/` holds models that must be refused:
{bad}
## What did not export

{failed}

## Operators

| golden | opset | input | operators |
|---|---|---|---|
{table}
"""

BAD = [
    ("unsupported", "Einsum (node mix) and NonZero (node where_it_fires)"),
    ("custom-domain", "an operator of another domain"),
    ("missing-input", "a node reads a value that nobody makes"),
    ("shape-mismatch", "[1,4] times [3,2]"),
    ("cycle", "two nodes feed each other"),
    ("integer-input", "strings in, strings out"),
    ("no-output", "a graph without outputs"),
    ("future-opset", "opset 999"),
    ("short-weights", "four bytes of the weights are missing"),
    ("huge-weights", "dims whose product overflows 64 bits"),
    ("external-missing", "its data file is not there"),
    ("external-outside", "its data file would lie above the folder"),
    ("external-absolute", "its data file has an absolute path"),
    ("rnn-unrolled", "operators on sequences: SplitToSequence, SequenceAt"),
    ("reverse-time", "an LSTM that runs backwards over a dynamic time axis"),
]


def main():
    torch.set_num_threads(1)
    only = sys.argv[1:]
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(HERE)
    made, failed = [], []
    for case in cases():
        if only and case[0] not in only:
            continue
        m, f = make_case(*case)
        made += m
        failed += f
    write_bad()
    write_unrolled()
    with open(os.path.join(HERE, "list.txt"), "w") as out:
        for full, mode, latency, opset, *_ in made:
            out.write(f"{full} {mode} {latency} {opset}\n")
    import onnxscript
    with open(os.path.join(HERE, "README.md"), "w") as out:
        out.write(README.format(
            torch=torch.__version__.split("+")[0], onnx=onnx.__version__,
            onnxscript=onnxscript.__version__, ort=ort.__version__,
            bad="".join(f"\n- `{n}.onnx`: {w}" for n, w in BAD) + "\n",
            failed="\n".join(f"- {n}: {w}" for n, w in failed) or "Nothing.",
            table="\n".join(f"| {n} | {o} | {d} | {', '.join(ops)} |"
                            for n, _, _, o, ops, d in made)))


if __name__ == "__main__":
    main()
