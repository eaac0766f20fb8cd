#!/usr/bin/env python3
"""Make the goldens of streams: networks that PyTorch exports, with strides,
pools, transposed convolutions, resizes, recurrent layers and look-ahead, and
models that take their state as an input and give it back.

Needs torch, onnx, onnxscript, onnxruntime and numpy (models/requirements.txt).
Writes tests/goldens/streams/NAME/ with model.onnx, x.npy and y.npy, and
list.txt with a line for each:

    NAME stream LATENCY PERIOD_IN PERIOD_OUT
    NAME calls FRAMES 1 1

stream: x is [frames, channels] of the whole signal, y ONNX Runtime's answer to
it, cut to the frames that what comes after x could not change. Frame j of y is
to be there from host frame j*PERIOD_OUT + PERIOD_OUT-1 + LATENCY on.
calls: x is [calls * FRAMES, channels], y [calls, values]: call after call with
the states fed back. FRAMES 0: a step model, x [calls, values].

"make_streams.py bulk FIRST LAST" makes random networks of these seeds and
compares `mlinfer` (first on the path) with ONNX Runtime; it writes no goldens.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings
import zlib

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn as nn
import torch.nn.functional as F

warnings.filterwarnings("ignore")
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "streams")
lines = []


def seed(n):
    n = zlib.crc32(n.encode()) if isinstance(n, str) else n
    random.seed(n)
    torch.manual_seed(n)
    np.random.seed(n)


def flat(a, time):
    """[frames, channels] of an array whose axis `time` is time."""
    a = np.moveaxis(np.asarray(a), time, 0)
    return np.ascontiguousarray(a.reshape(a.shape[0], -1), np.float32)


def export(net, args, path, dynamo=False, dynamic=None, inputs=None,
           outputs=None):
    inputs, outputs = inputs or ["x"], outputs or ["y"]
    if dynamo:
        shapes = tuple({} if dynamic is None or i else
                       {dynamic[0]: dynamic[2] * torch.export.Dim("n", min=2)}
                       for i in range(len(args)))
        torch.onnx.export(net, args, path, dynamo=True, opset_version=18,
                          input_names=inputs, output_names=outputs,
                          external_data=False, verbose=False,
                          dynamic_shapes=shapes if dynamic else None)
    else:
        axes = {"x": {dynamic[0]: "t"}, "y": {dynamic[1]: "u"}} \
            if dynamic else None
        torch.onnx.export(net, args, path, dynamo=False, opset_version=17,
                          input_names=inputs, output_names=outputs,
                          dynamic_axes=axes)


def settled(net, x, time_in, time_out, hop):
    """Frames of the result that no later input changes."""
    more = [32 * hop if i == time_in else n for i, n in enumerate(x.shape)]
    with torch.no_grad():
        y = flat(net(x), time_out)
        z = flat(net(torch.cat([x, torch.randn(*more)], time_in)), time_out)
    same = np.isclose(y, z[:len(y)], rtol=1e-6, atol=1e-7).all(1)
    return len(y) if same.all() else int(np.argmin(same))


def stream(name, net, channels, frames, latency, hop=1, time=2, time_out=2,
           dynamo=False, dynamic=True, shape=None):
    seed(name)
    net = net().eval()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.running_mean.normal_()
            m.running_var.uniform_(.5, 2)
    x = torch.randn(*(shape or (1, channels, frames)))
    folder = os.path.join(HERE, name)
    os.makedirs(folder)
    path = os.path.join(folder, "model.onnx")
    export(net, (x,), path, dynamo, (time, time_out, hop) if dynamic else None)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    y = flat(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0],
             time_out)
    host = max(x.shape[time], len(y))
    periods = host // x.shape[time], host // len(y)
    n = settled(net, x, time, time_out, hop)
    if n < len(y) // 3:
        raise SystemExit(f"{name}: only {n} frames are settled")
    np.save(os.path.join(folder, "x.npy"), flat(x, time))
    np.save(os.path.join(folder, "y.npy"), y[:n])
    lines.append(f"{name} stream {latency} {periods[0]} {periods[1]}")


# ------------------------------------------------------------ small things --

class Pad(nn.Module):
    def __init__(self, left, right):
        super().__init__()
        self.ends = left, right

    def forward(self, x):
        return F.pad(x, self.ends)


class Fit(nn.Module):
    """A layer whose result is cut or filled up to up/down of the frames."""
    def __init__(self, layer, up=1, down=1):
        super().__init__()
        self.layer, self.up, self.down = layer, up, down

    def forward(self, x):
        y = self.layer(x)
        want, have = x.shape[-1] * self.up // self.down, y.shape[-1]
        return F.pad(y, (0, want - have)) if have < want else y[:, :, :want]


class Skip(nn.Module):
    def __init__(self, body, join):
        super().__init__()
        self.body, self.join = body, join

    def forward(self, x):
        y = self.body(x)
        return torch.cat([x, y], 1) if self.join else x + y


class Recurrent(nn.Module):
    """[1, C, T] through a layer that wants [1, T, C]."""
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.transpose(1, 2))[0].transpose(1, 2)


class Every(nn.Module):
    def __init__(self, start, step):
        super().__init__()
        self.start, self.step = start, step

    def forward(self, x):
        return x[:, :, self.start::self.step]


class ToDepth(nn.Module):
    def __init__(self, step, channels):
        super().__init__()
        self.step, self.channels = step, channels

    def forward(self, x):
        x = x.reshape(1, self.channels, -1, self.step).permute(0, 3, 1, 2)
        return x.reshape(1, self.step * self.channels, -1)


class ToTime(nn.Module):
    def __init__(self, step, channels):
        super().__init__()
        self.step, self.channels = step, channels

    def forward(self, x):
        x = x.reshape(1, self.channels, self.step, -1).permute(0, 1, 3, 2)
        return x.reshape(1, self.channels, -1)


def resize(factor, mode):
    return nn.Upsample(scale_factor=float(factor), mode=mode)


# ----------------------------------------------------------- the networks --

def causal():
    layers, c = [], 1
    for d in (1, 2, 4, 8):
        layers += [Pad(2 * d, 0), nn.Conv1d(c, 6, 3, dilation=d), nn.Sigmoid()]
        c = 6
    return nn.Sequential(*layers, nn.Conv1d(6, 1, 1))


def same():
    return nn.Sequential(
        nn.Conv1d(2, 5, 7, padding=3), nn.Sigmoid(),
        Skip(nn.Sequential(nn.Conv1d(5, 5, 5, padding=4, dilation=2),
                           nn.Sigmoid()), False),
        nn.Conv1d(5, 5, 4, padding="same"), nn.Tanh(),
        nn.Conv1d(5, 2, 3, padding=1))


def unet():
    """Two levels with skips; no kernel is a multiple of its stride."""
    deep = nn.Sequential(
        Fit(nn.Conv1d(6, 8, 5, 3, padding=2), down=3), nn.Sigmoid(),
        nn.Conv1d(8, 8, 3, padding=1), nn.Tanh(),
        Fit(nn.ConvTranspose1d(8, 6, 7, 3, padding=2, output_padding=0),
            up=3))
    level = nn.Sequential(
        Fit(nn.Conv1d(3, 6, 4, 2, padding=1), down=2), nn.Sigmoid(),
        Skip(deep, True), nn.Conv1d(12, 6, 1), nn.Tanh(),
        Fit(nn.ConvTranspose1d(6, 3, 5, 2, padding=2, output_padding=1),
            up=2))
    return nn.Sequential(nn.Conv1d(1, 3, 3, padding=1), Skip(level, False),
                         nn.Conv1d(3, 1, 3, padding=1))


def pools():
    return nn.Sequential(
        nn.Conv1d(1, 4, 3, padding=1),
        nn.MaxPool1d(3, 1, padding=1),
        Fit(nn.AvgPool1d(4, 2, padding=2, count_include_pad=False), down=2),
        nn.Tanh(),
        Fit(nn.AvgPool1d(3, 3, padding=1), down=3),
        Fit(nn.MaxPool1d(5, 2, padding=2), down=2),
        nn.Conv1d(4, 2, 3, padding=1, groups=2))


def grouped():
    """Strided convolutions in groups and by channel, dilated ones."""
    return nn.Sequential(
        nn.Conv1d(2, 6, 3, 2, padding=1), nn.Tanh(),
        nn.Conv1d(6, 6, 3, 2, padding=2, dilation=2, groups=6), nn.Sigmoid(),
        nn.Conv1d(6, 4, 5, 3, padding=2, groups=2),
        nn.ConvTranspose1d(4, 4, 6, 3, padding=1, groups=4), nn.Tanh(),
        nn.ConvTranspose1d(4, 2, 3, 2, padding=1, groups=2, dilation=1),
        nn.ConvTranspose1d(2, 2, 1, 2, output_padding=1))


def resizes():
    return nn.Sequential(
        nn.Conv1d(1, 3, 4, 4), resize(2, "nearest"), nn.Sigmoid(),
        nn.Conv1d(3, 3, 3, padding=1), resize(2, "linear"),
        nn.Conv1d(3, 1, 3, padding=1))


def reshapes():
    return nn.Sequential(
        ToDepth(4, 2), nn.Conv1d(8, 6, 3, padding=1), nn.Sigmoid(),
        Every(1, 2), nn.Conv1d(6, 8, 2, padding=1), ToTime(8, 1),
        nn.Conv1d(1, 1, 3, padding=1))


def oversampled():
    return nn.Sequential(
        nn.ConvTranspose1d(1, 2, 8, 4, padding=2), nn.Tanh(),
        nn.Conv1d(2, 2, 5, padding=2), nn.Tanh(),
        nn.Conv1d(2, 1, 8, 4, padding=2))


def two_layers(kind):
    return lambda: nn.Sequential(
        Recurrent(getattr(nn, kind)(2, 8, 2, batch_first=True)),
        nn.Conv1d(8, 1, 1))


def late(kind):
    """Recurrent layers at half the rate, behind layers that look ahead."""
    return lambda: nn.Sequential(
        nn.Conv1d(1, 4, 5, padding=2), nn.Sigmoid(),
        nn.Conv1d(4, 6, 4, 2, padding=1),
        Recurrent(getattr(nn, kind)(6, 7, 2, batch_first=True)),
        nn.ConvTranspose1d(7, 3, 4, 2, padding=1), nn.Tanh(),
        nn.Conv1d(3, 1, 3, padding=1))


class Spectral(nn.Module):
    """Images whose one axis is time, the other frequency."""
    def __init__(self, time):
        super().__init__()
        self.time = time
        self.a = nn.Conv2d(1, 4, 3, padding=1)
        self.b = nn.Conv2d(4, 4, 3, 2, padding=1, groups=2)
        self.p = nn.MaxPool2d((1, 2) if time == 2 else (2, 1))
        self.q = nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)
        self.r = nn.GRU(8, 6, batch_first=True)
        self.o = nn.Linear(6, 3)

    def forward(self, x):
        h = torch.sigmoid(self.b(torch.relu(self.a(x))))
        h = self.q(self.p(h))
        h = h if self.time == 2 else h.transpose(2, 3)
        return self.o(self.r(h.transpose(1, 2).reshape(1, -1, 8))[0])


# ----------------------------------------------------- an autoencoder of sound

BANDS, RATIOS, CAP, LATENT = 16, (4, 2), 3, 3
HOP = BANDS * 8


class Unit(nn.Module):
    def __init__(self, c, d):
        super().__init__()
        self.a = nn.Conv1d(c, c, 3, dilation=d, padding=d, bias=False)
        self.b = nn.Conv1d(c, c, 1, bias=False)

    def forward(self, x):
        y = self.a(F.leaky_relu(x, .2))
        return x + self.b(F.leaky_relu(y, .2))


def mirrored(x):
    """Every second band's every second frame turned round."""
    mask = torch.ones_like(x)
    mask[..., 1::2, ::2] = -1
    return x * mask


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.bands = nn.Conv1d(1, BANDS, 65, BANDS, padding=32, bias=False)
        layers, c = [nn.Conv1d(BANDS, CAP, 7, padding=3, bias=False)], CAP
        for r in RATIOS:
            layers += [Unit(c, 1), Unit(c, 3), nn.LeakyReLU(.2),
                       nn.Conv1d(c, 2 * c, 2 * r, r, padding=r // 2,
                                 bias=False)]
            c *= 2
        layers += [nn.LeakyReLU(.2), nn.Conv1d(c, 2 * LATENT, 3, padding=1)]
        self.net = nn.Sequential(*layers)
        self.turn = nn.Conv1d(LATENT, LATENT, 1)

    def forward(self, x):
        return self.turn(self.net(mirrored(self.bands(x))).chunk(2, 1)[0])


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        c = CAP * 4
        self.turn = nn.Conv1d(LATENT, LATENT, 1)
        layers = [nn.Conv1d(LATENT, c, 3, padding=1, bias=False)]
        for r in RATIOS[::-1]:
            layers += [nn.LeakyReLU(.2),
                       nn.ConvTranspose1d(c, c // 2, 2 * r, r, padding=r // 2,
                                          bias=False)]
            c //= 2
            layers += [Unit(c, 1), Unit(c, 3)]
        layers += [nn.LeakyReLU(.2),
                   nn.Conv1d(c, 2 * BANDS, 7, padding=3, bias=False)]
        self.net = nn.Sequential(*layers)
        self.bands = nn.Conv1d(BANDS, BANDS, 9, padding=4, bias=False)

    def forward(self, z):
        h, loud = self.net(self.turn(z)).chunk(2, 1)
        h = mirrored(torch.tanh(h * torch.sigmoid(loud)))
        h = torch.flip(self.bands(h) * BANDS, (1,)).permute(0, 2, 1)
        return h.reshape(h.shape[0], h.shape[1], 1, BANDS).permute(
            0, 2, 1, 3).reshape(1, 1, -1)


def both():
    return nn.Sequential(Encoder(), Decoder())


# ---------------------------------------------------- states in and out ----

def cached_conv(conv, x, cache):
    """A convolution over what the call before left, too."""
    x = torch.cat([cache, x], 2)
    return conv(x), x[:, :, x.shape[2] - cache.shape[2]:]


def cached_up(conv, x, cache):
    """A transposed convolution whose tail is added to the next call's."""
    y = conv(x)
    head = y[:, :, :cache.shape[2]] + cache
    n = y.shape[2] - cache.shape[2]
    return torch.cat([head, y[:, :, cache.shape[2]:n]], 2), y[:, :, n:]


class Cached(nn.Module):
    """One hop a call, as cached convolutions do it."""
    def __init__(self):
        super().__init__()
        self.bands = nn.Conv1d(1, 8, 16, 8, bias=False)
        self.down = nn.Conv1d(8, 6, 4, 2, bias=False)
        self.dilated = nn.Conv1d(6, 6, 3, dilation=3, bias=False)
        self.up = nn.ConvTranspose1d(6, 8, 4, 2, bias=False)
        self.out = nn.ConvTranspose1d(8, 1, 16, 8, bias=False)
        self.shapes = [(1, 1, 8), (1, 8, 2), (1, 6, 6), (1, 8, 2), (1, 1, 8)]

    def forward(self, x, *cache):
        h, a = cached_conv(self.bands, x, cache[0])
        h, b = cached_conv(self.down, torch.tanh(h), cache[1])
        y, c = cached_conv(self.dilated, torch.tanh(h), cache[2])
        h, d = cached_up(self.up, h + y, cache[3])
        y, e = cached_up(self.out, torch.tanh(h), cache[4])
        return y, a, b, c, d, e


class Cells(nn.Module):
    """One step a call: cells with their states in and out."""
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.GRUCell(3, 5), nn.LSTMCell(5, 4)
        self.o = nn.Linear(4, 2)
        self.shapes = [(1, 5), (1, 4), (1, 4)]

    def forward(self, x, *s):
        h = self.a(x, s[0])
        k, c = self.b(h, (s[1], s[2]))
        return self.o(k), h, k, c


class Layers(nn.Module):
    """Some frames a call through layers whose state goes in and out."""
    def __init__(self):
        super().__init__()
        self.c = nn.Conv1d(2, 4, 4, 2, padding=1)
        self.r = nn.LSTM(4, 5, 2, batch_first=True)
        self.o = nn.Linear(5, 1)
        self.shapes = [(2, 1, 5), (2, 1, 5)]

    def forward(self, x, h, c):
        y, (h, c) = self.r(self.c(x).transpose(1, 2), (h, c))
        return self.o(y[:, -1]), h, c


def calls(name, net, names, shape, frames, count=6, dynamo=False):
    seed(name)
    net = net().eval()
    state = [np.zeros(s, np.float32) for s in net.shapes]
    folder = os.path.join(HERE, name)
    os.makedirs(folder)
    path = os.path.join(folder, "model.onnx")
    export(net, (torch.randn(*shape), *[torch.tensor(s) for s in state]), path,
           dynamo, None, ["x"] + [n for n, _ in names],
           ["y"] + [n for _, n in names])
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    xs, ys = [], []
    for _ in range(count):
        x = np.random.standard_normal(shape).astype(np.float32)
        feed = dict(zip([n for n, _ in names], state), x=x)
        y, *state = session.run(None, feed)
        xs.append(flat(x, 2) if frames else x.reshape(1, -1))
        ys.append(y.reshape(1, -1))
    np.save(os.path.join(folder, "x.npy"), np.concatenate(xs))
    np.save(os.path.join(folder, "y.npy"), np.concatenate(ys))
    lines.append(f"{name} calls {frames} 1 1")


def real(name, model, frames, count=8):
    """A model that lies elsewhere: only x and y are kept."""
    folder = os.path.join(HERE, name)
    if not os.path.exists(model):
        raise SystemExit(f"{model} is missing")
    seed(name)
    os.makedirs(folder)
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    state = np.zeros((2, 1, 128), np.float32)
    t = np.arange(count * frames) / 16000
    x = (np.sin(2 * np.pi * 140 * t) * np.sin(2 * np.pi * 3 * t) *
         .3).astype(np.float32)
    x += np.random.standard_normal(len(x)).astype(np.float32) * .01
    ys = []
    for k in range(count):
        y, state = session.run(None, {
            "input": x[None, k * frames:(k + 1) * frames], "state": state})
        ys.append(y.reshape(1, -1))
    np.save(os.path.join(folder, "x.npy"), x[:, None])
    np.save(os.path.join(folder, "y.npy"), np.concatenate(ys))
    lines.append(f"{name} calls {frames} 1 1")


# -------------------------------------------------------- random networks --

def some(*choices):
    return random.choice(choices)


def filtered(c, d):
    k, dilation = some(1, 2, 3, 5, 7), some(1, 1, 2, 3)
    reach = (k - 1) * dilation
    left = random.randint(0, reach)
    groups = some(1, 1, c) if c == d else 1
    conv = nn.Conv1d(c, d, k, dilation=dilation, groups=groups,
                     bias=random.random() < .7)
    pad = Pad(left, reach - left)
    return nn.Sequential(pad, conv) if random.random() < .8 else \
        nn.Sequential(conv, pad)


def slower(c, s):
    kind = some("conv", "conv", "conv", "max", "mean", "mean'", "every",
                "depth")
    k = some(s, s, 2 * s, s + 1, 2 * s - 1, 2 * s + 1, max(1, s - 1))
    if kind == "conv":
        d, dilation = some(c, 2 * c), some(1, 1, 2)
        reach = (k - 1) * dilation
        left = random.randint(0, reach + 1)
        return nn.Sequential(
            Pad(left, max(0, reach - left)),
            Fit(nn.Conv1d(c, d, k, s, dilation=dilation,
                          groups=some(1, 1, 1, c, 2 - c % 2)), down=s)), d
    if kind == "every":
        return Every(random.randint(0, s - 1), s), c
    if kind == "depth":
        return ToDepth(s, c), c * s
    pad = min(k // 2, random.randint(0, k))
    pool = nn.MaxPool1d(k, s, pad) if kind == "max" else \
        nn.AvgPool1d(k, s, pad, count_include_pad=kind == "mean")
    return Fit(pool, down=s), c


def faster(c, s):
    kind = some("conv", "conv", "conv", "nearest", "linear",
                "time" if c % s == 0 else "conv")
    if kind == "time":
        return ToTime(s, c // s), c // s
    if kind != "conv":
        return resize(s, kind), c
    k, d = some(s, 2 * s, s + 1, 2 * s + 1, 3 * s, max(1, s - 1)), \
        some(c, max(1, c // 2))
    return Fit(nn.ConvTranspose1d(
        c, d, k, s, padding=random.randint(0, (k - 1) // 2),
        output_padding=random.randint(0, s - 1),
        groups=some(1, 1, c) if d == c else 1,
        bias=random.random() < .7), up=s), d


def function():
    return some(nn.Tanh(), nn.Sigmoid(), nn.LeakyReLU(.2), nn.ELU())


def body(c, depth, frames):
    """As many frames out as in; its channels."""
    layers = []
    for _ in range(random.randint(1, 3)):
        kind = random.random()
        if kind < .3:
            d = some(c, c + 1, 4)
            layers += [filtered(c, d), function()]
            c = d
        elif kind < .45:
            inner, d = body(c, depth - 1, frames) if depth else \
                (filtered(c, c), c)
            join = d != c or random.random() < .5
            layers.append(Skip(inner, join))
            c += d if join else 0
        elif kind < .55:
            layers.append(Recurrent(some(nn.LSTM, nn.GRU)(
                c, c, batch_first=True)))
        elif kind < .62:
            layers.append(nn.BatchNorm1d(c))
        elif depth:
            s = some(2, 2, 3, 4, 5)
            if frames % (4 * s):
                continue
            down, d = slower(c, s)
            inner, d = body(d, depth - 1, frames // s)
            up, c = faster(d, s)
            layers += [down, function(), inner, up]
        if c > 12:
            layers.append(nn.Conv1d(c, 4, 1))
            c = 4
    return nn.Sequential(*layers), c


def random_network():
    """-> network, input channels; 720 frames suit it"""
    first = c = some(1, 1, 2, 3)
    kind, s = some("body", "body", "body", "over", "down", "up"), some(2, 3, 4)
    if kind == "body":
        net, c = body(c, 2, 720)
    elif kind == "over":
        up, c = faster(c, s)
        inner, c = body(c, 0, 720 * s)
        down, c = slower(c, s)
        net = nn.Sequential(up, function(), inner, down)
    elif kind == "down":
        down, c = slower(c, s)
        inner, c = body(c, 1, 720 // s)
        net = nn.Sequential(down, inner)
    else:
        inner, c = body(c, 1, 720)
        up, c = faster(c, s)
        net = nn.Sequential(inner, up)
    return nn.Sequential(net, nn.Conv1d(c, some(1, 2), 1)), first


def bulk(first, last):
    bad = 0
    for n in range(first, last):
        seed(n)
        net, channels = random_network()
        net.eval()
        x = torch.randn(1, channels, 720)
        with tempfile.TemporaryDirectory() as folder:
            bad += not try_one(n, net, x, folder)
    print(f"{bad} of {last - first} differ")
    return bad


def try_one(n, net, x, folder):
    path, image = os.path.join(folder, "m.onnx"), os.path.join(folder, "m.bin")
    try:
        export(net, (x,), path, False, (2, 2, 1) if n % 2 else None)
        session = ort.InferenceSession(path,
                                       providers=["CPUExecutionProvider"])
        y = flat(session.run(None, {"x": x.numpy()})[0], 2)
    except RuntimeError:
        return True  # nothing that the exporter can write
    host = max(720, len(y))
    if host % len(y):
        return True
    said = subprocess.run(["mlinfer", "convert", path, "-o", image],
                          capture_output=True, text=True)
    if said.returncode:
        print(n, said.stderr.strip())
        return False
    info = subprocess.run(["mlinfer", "info", image, "--json"],
                          capture_output=True, text=True).stdout
    late = int(info.split('"latency": ')[1].split(",")[0])
    period = host // len(y)
    sound = flat(x, 2)  # one value for each period of the input
    more = (late + period) * 720 // host + 9
    sound = np.concatenate([sound, np.zeros((more, sound.shape[1]),
                                            np.float32)])
    np.save(os.path.join(folder, "x.npy"), sound)
    subprocess.run(["mlinfer", "run", image, "--npy",
                    os.path.join(folder, "x.npy"), "-o", folder, "--block",
                    str(some(1, 7, 16, 64, 1000))], check=True,
                   capture_output=True)
    got = np.load(os.path.join(folder, "y.npy"))
    keep = min(len(y) * 6 // 10, settled(net, x, 2, 2, 60))
    got = got[np.arange(keep) + late // period]
    error = np.abs(got - y[:keep]).max() / np.abs(y[:keep]).max()
    if not error <= 1e-5:
        print(n, f"differs by {error:.2g} of full scale, latency {late}")
    return error <= 1e-5


# ------------------------------------------------------------------- main --

def main():
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(HERE)
    stream("causal", causal, 1, 300, 0)
    stream("same-padded", same, 2, 300, 10, dynamo=True)
    stream("autoencoder", unet, 1, 360, 24, hop=6)
    stream("autoencoder-dynamo", unet, 1, 360, 24, hop=6, dynamo=True)
    stream("autoencoder-fixed", unet, 1, 360, 24, hop=6, dynamic=False)
    stream("gru", two_layers("GRU"), 2, 200, 0)
    stream("lstm", two_layers("LSTM"), 2, 200, 0, dynamo=True)
    for kind in ("GRU", "LSTM", "RNN"):
        stream(f"{kind.lower()}-late", late(kind), 1, 200, 7, hop=2)
    stream("pools", pools, 1, 240, 24, hop=12)
    stream("grouped", grouped, 2, 240, 29, hop=12)
    stream("resizes", resizes, 1, 240, 8, hop=4)
    stream("reshapes", reshapes, 2, 240, 16, hop=8)
    stream("oversampled", oversampled, 1, 200, 3)
    stream("image-time-first", lambda: Spectral(2), 1, 0, 4, hop=2, time_out=1,
           shape=(1, 1, 80, 8))
    stream("image-time-last", lambda: Spectral(3), 1, 0, 4, hop=2, time=3,
           time_out=1, shape=(1, 1, 8, 80))
    stream("encoder", Encoder, 1, 16 * HOP, 640, hop=HOP, dynamo=True)
    stream("decoder", Decoder, LATENT, 16, 783)
    stream("both", both, 1, 24 * HOP, 1423, hop=HOP)
    stream("both-fixed", both, 1, 24 * HOP, 1423, hop=HOP, dynamic=False)
    for n, late_by in (2, 15), (5, 66), (11, 12), (23, 24):
        seed(n)
        net, channels = random_network()
        stream(f"random-{n}", lambda: net, channels, 720, late_by, hop=60,
               dynamic=n % 2 == 1)
    caches = [(f"cache_{i}", f"cache_{i}_out") for i in range(5)]
    calls("cached", Cached, caches, (1, 1, 64), 64)
    calls("cached-dynamo", Cached, caches, (1, 1, 64), 64, dynamo=True)
    cells = [("h0", "hn"), ("h_in", "h_out"), ("c_prev", "c_next")]
    calls("cells", Cells, cells, (1, 3), 0)
    calls("layers", Layers, [("state_h", "state_hN"), ("state_c", "state_cN")],
          (1, 2, 16), 16)
    models = os.environ.get("MLI_REAL_MODELS", "../shared/real-models")
    real("silero", os.path.join(models, "onnx/silero_vad_16k/model.onnx"), 576)
    with open(os.path.join(HERE, "list.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "bulk":
        sys.exit(bulk(int(sys.argv[2]), int(sys.argv[3])) != 0)
    main()
