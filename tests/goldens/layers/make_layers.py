#!/usr/bin/env python3
"""Weights in every container, descriptions of their layers, and what PyTorch
answers. Run in this folder; needs torch, safetensors, numpy.
"""
import json

import numpy as np
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

FRAMES = 500
torch.manual_seed(5)
rng = np.random.default_rng(5)


def write_npy(name, a):
    np.save(name, np.ascontiguousarray(a, dtype=np.float32))


def describe(file, weights, layers, **more):
    with open(file + ".json", "w") as f:
        json.dump({"mlinfer": 1, "weights": weights, **more,
                   "layers": layers}, f, indent=1)


def signal(channels):
    t = np.arange(FRAMES)[:, None]
    f = 0.02 * (1 + np.arange(channels))
    x = 0.7 * np.sin(2 * np.pi * f * t)
    return (x + 0.2 * rng.standard_normal(x.shape)).astype(np.float32)


def save(name, x, y):
    write_npy(name + ".input.npy", x)
    write_npy(name + ".output.npy", y.detach().numpy())


def spread(module):
    """Statistics and slopes that are not the ones that training begins with."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.running_mean.uniform_(-0.5, 0.5)
            m.running_var.uniform_(0.3, 2)
        if isinstance(m, (nn.BatchNorm1d, nn.LayerNorm)):
            m.weight.data.uniform_(0.5, 1.5)
            m.bias.data.uniform_(-0.5, 0.5)
        if isinstance(m, nn.PReLU):
            m.weight.data.uniform_(0.1, 0.4)
    return module.eval()


# A causal stack with a skip, gates and norms: safetensors, float32.
class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(1, 6, 3)
        self.gate = nn.Conv1d(6, 12, 3, dilation=4, groups=2)
        self.back = nn.Conv1d(6, 6, 1)
        self.norm = nn.BatchNorm1d(6)
        self.slope = nn.PReLU(6)
        self.ln = nn.LayerNorm(6)
        self.out = nn.Linear(6, 2)

    def forward(self, x):
        a = torch.tanh(self.first(F.pad(x, (2, 0))))
        z = self.gate(F.pad(a, (8, 0)))
        z = torch.tanh(z[:, :6]) * torch.sigmoid(z[:, 6:])
        a = a + self.back(z)
        a = self.slope(self.norm(a))
        return self.out(self.ln(a.transpose(1, 2)))


stack = spread(Stack())
safetensors.torch.save_file(stack.state_dict(), "stack.safetensors")
x = signal(1)
save("stack", x, stack(torch.from_numpy(x.T)[None])[0])
describe("stack", "stack.safetensors", [
    {"type": "conv1d", "name": "first", "activation": "tanh"},
    {"type": "conv1d", "name": "gate", "dilation": 4, "groups": 2},
    {"type": "gate"},
    {"type": "conv1d", "name": "back"},
    {"type": "add", "from": ["first", "back"]},
    {"type": "batchnorm", "name": "norm"},
    {"type": "prelu", "name": "slope"},
    {"type": "dropout"},
    {"type": "layernorm", "name": "ln"},
    {"type": "linear", "name": "out"}], rate=44100, name="a stack")


# Layers that look ahead, a branch beside them: a state_dict zip.
class Same(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(2, 5, 5, padding=2), nn.ReLU(),
            nn.Conv1d(5, 4, 4, padding="same", dilation=3), nn.LeakyReLU(0.2))
        self.side = nn.Conv1d(2, 4, 1)
        self.last = nn.Conv1d(8, 1, 3, padding=1)

    def forward(self, x):
        return self.last(torch.cat([self.net(x), self.side(x)], 1))


same = Same()
torch.save(same.state_dict(), "same.pt")
x = signal(2)
save("same", x, same(torch.from_numpy(x.T)[None])[0].T)
describe("same", "same.pt", [
    {"type": "conv1d", "name": "net.0", "padding": 2, "activation": "relu"},
    {"type": "conv1d", "name": "net.2", "padding": "same", "dilation": 3},
    {"type": "leaky_relu", "slope": 0.2, "as": "deep"},
    {"type": "conv1d", "name": "side", "from": "in"},
    {"type": "concat", "from": ["deep", "side"]},
    {"type": "conv1d", "name": "last", "padding": "same"}],
    inputs=[{"name": "in", "channels": 2}])


# Recurrent layers, a knob: inside of a checkpoint, as float16 and bfloat16.
class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rec = nn.LSTM(2, 7, 2, batch_first=True)
        self.gru = nn.GRU(7, 6, batch_first=True, bias=False)
        self.rnn = nn.RNN(6, 5, nonlinearity="relu", batch_first=True)
        self.lin = nn.Linear(5, 1)

    def forward(self, x):
        y = self.rnn(self.gru(self.rec(x)[0])[0])[0]
        return self.lin(y) * 0.5 + x[:, :, :1]


recurrent = Recurrent().half().float()
state = recurrent.state_dict()
torch.save({"epoch": 3, "loss": 0.25, "names": ["a", "b"], "state_dict":
            {k: v.half() for k, v in state.items()}}, "recurrent.pt")
x = signal(1)
full = torch.from_numpy(np.concatenate([x, np.full_like(x, 0.3)], 1))[None]
save("recurrent", x, recurrent(full)[0])
describe("recurrent", "recurrent.pt", [
    {"type": "lstm", "name": "state_dict.rec"},
    {"type": "gru", "name": "state_dict.gru"},
    {"type": "rnn", "name": "state_dict.rnn", "function": "relu"},
    {"type": "linear", "name": "state_dict.lin"},
    {"type": "gain", "value": 0.5, "as": "wet"},
    {"type": "add", "from": ["wet", "in"]}],
    inputs=[{"name": "in"}, {"name": "drive", "control": True, "low": 0,
                             "high": 1, "initial": 0.3}])

# A mapping of gestures: normalised in and out, weights that are transposed
# views (so with strides), in bfloat16 and float64.
w1 = torch.randn(3, 8).bfloat16().t()
w2 = torch.randn(8, 4, dtype=torch.float64).t()
torch.save({"l1.weight": w1, "l1.bias": torch.randn(8), "l2.weight": w2,
            "l2.bias": torch.randn(4, dtype=torch.float64),
            "mean": torch.tensor([1., 2., 3.])}, "mapping.pt")
state = torch.load("mapping.pt")
x = rng.standard_normal((40, 3)).astype(np.float32) * 2
h = F.elu(F.linear((torch.from_numpy(x) - state["mean"]) / 2,
                   state["l1.weight"].float(), state["l1.bias"]), 0.5)
y = torch.softmax(F.linear(h, state["l2.weight"].float(),
                           state["l2.bias"].float()), 1)
save("mapping", x, y * torch.tensor([1., 2., 3., 4.]) + 1)
describe("mapping", "mapping.pt", [
    {"type": "normalize", "mean": "mean", "std": 2},
    {"type": "linear", "name": "l1", "activation": "elu", "slope": 0.5},
    {"type": "linear", "name": "l2"}, {"type": "softmax"},
    {"type": "denormalize", "mean": 1, "std": [1, 2, 3, 4]}],
    mode="step", inputs=[{"name": "hand", "channels": 3,
                          "labels": ["x", "y", "z"], "low": -1, "high": 1}],
    outputs=[{"name": "sound", "labels": ["a", "b", "c", "d"]}])


# A classifier of a window of frames.
class Window(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.utils.parametrizations.weight_norm(
            nn.Conv1d(2, 6, 4, stride=2, padding=1))
        self.c2 = nn.utils.weight_norm(nn.Conv1d(6, 5, 3))
        self.fc = nn.Linear(5 * 6 + 5, 3)

    def forward(self, x):
        a = torch.relu(self.c2(torch.tanh(self.c1(x))))
        a = torch.cat([a.flatten(1), a.mean(2)], 1)
        return torch.softmax(self.fc(a), 1)


window = Window()
safetensors.torch.save_file(
    {k: v.contiguous() for k, v in window.state_dict().items()},
    "window.safetensors")
x = signal(2)[:16]
save("window", x, window(torch.from_numpy(x.T)[None]))
describe("window", "window.safetensors", [
    {"type": "conv1d", "name": "c1", "stride": 2, "padding": 1,
     "activation": "tanh"},
    {"type": "conv1d", "name": "c2", "activation": "relu"},
    {"type": "flatten", "as": "flat"},
    {"type": "mean_over_time", "from": "c2", "as": "mean"},
    {"type": "concat", "from": ["flat", "mean"]},
    {"type": "linear", "name": "fc"}, {"type": "softmax"}],
    mode="window", window=16, inputs=[{"name": "in", "channels": 2}],
    outputs=[{"name": "kind", "classes": True,
              "labels": ["hit", "bow", "rest"]}])


# Strides down and up again, with a skip: a stream at three rates.
class Strided(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = nn.Conv1d(1, 4, 5, stride=2, padding=2)
        self.down2 = nn.Conv1d(4, 6, 7, stride=3, padding=3)
        self.mid = nn.Conv1d(6, 6, 3, padding=1)
        self.up1 = nn.ConvTranspose1d(6, 4, 6, stride=3, padding=1)
        self.up2 = nn.ConvTranspose1d(4, 1, 4, stride=2, padding=1)
        self.post = nn.ConvTranspose1d(1, 1, 3, padding=1)

    def forward(self, x):
        a = torch.tanh(self.down1(x))
        b = torch.tanh(self.down2(a))
        c = torch.tanh(self.up1(self.mid(b)))[:, :, :a.shape[2]]
        y = self.up2(F.pad(c, (0, a.shape[2] - c.shape[2])) + a)
        return self.post(y)


strided = Strided()
safetensors.torch.save_file(strided.state_dict(), "strided.safetensors")
x = signal(1)[:480]
y = strided(torch.from_numpy(x.T)[None])[0].T
save("strided", x, y[:440])
describe("strided", "strided.safetensors", [
    {"type": "conv1d", "name": "down1", "stride": 2, "padding": 2,
     "activation": "tanh"},
    {"type": "conv1d", "name": "down2", "stride": 3, "padding": 3,
     "activation": "tanh"},
    {"type": "conv1d", "name": "mid", "padding": "same"},
    {"type": "conv_transpose1d", "name": "up1", "stride": 3, "padding": 1,
     "activation": "tanh"},
    {"type": "add", "from": ["up1", "down1"]},
    {"type": "conv_transpose1d", "name": "up2", "stride": 2, "padding": 1},
    {"type": "conv_transpose1d", "name": "post", "padding": 1}])
