#!/usr/bin/env python3
"""Train drive.onnx: an LSTM that plays the circuit in circuit.py.

    python3 train.py [steps]      (default 9000: some minutes on one core)
"""
import os
import sys
import time
import warnings

import numpy as np
import onnx
import torch
import torch.nn as nn

import circuit
import sounds

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "../../tests/goldens/models/drive")
UNITS = 16
WARM = 192     # frames before the loss counts: the state settles
COUNTED = 512  # frames that count
BATCH = 96
STEPS = 9000


class Drive(nn.Module):
    """One LSTM layer, one dense, and the dry signal."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, UNITS, batch_first=True)
        self.dense = nn.Linear(UNITS, 1)
        self.dry = nn.Parameter(torch.tensor(0.3))
        self.register_buffer("h", torch.zeros(1, 1, UNITS))
        self.register_buffer("c", torch.zeros(1, 1, UNITS))

    def run(self, x, state=None):
        y, state = self.lstm(x, state)
        return self.dense(y) + self.dry * x, state

    def forward(self, input):
        return self.run(input, (self.h, self.c))[0]


def esr(y, want):
    return float(((y - want) ** 2).sum() / (want ** 2).sum())


def emphasised(x):
    return x[:, 1:] - 0.85 * x[:, :-1]


def loss_of(y, want):
    """Error to signal, as it is and with the highs raised; and the mean."""
    plain = ((y - want) ** 2).mean() / ((want ** 2).mean() + 1e-5)
    a, b = emphasised(y), emphasised(want)
    high = ((a - b) ** 2).mean() / ((b ** 2).mean() + 1e-6)
    offset = ((y - want).mean(1) ** 2).mean() / ((want ** 2).mean() + 1e-5)
    return plain + 0.5 * high + offset


def settle(model):
    """The state that silence leaves is the initial one; silence is 0."""
    with torch.no_grad():
        silence = torch.zeros(1, 48000, 1)
        y, (h, c) = model.run(silence)
        model.h.copy_(h)
        model.c.copy_(c)
        model.dense.bias -= y[0, -1, 0]
    return float(y[0, -1, 0])


def evaluate(model, x, want):
    with torch.no_grad():
        rows = torch.tensor(x, dtype=torch.float32)[..., None]
        n = rows.shape[0]
        y, _ = model.run(rows, (model.h.expand(1, n, -1).contiguous(),
                                model.c.expand(1, n, -1).contiguous()))
    return esr(y[..., 0].numpy(), want)


def train(steps):
    torch.set_num_threads(1)
    torch.manual_seed(3)
    begin = time.time()
    x = sounds.material(11, 168, 56, sounds.RATE)
    test = sounds.material(12, 32, 16, sounds.RATE)
    want = circuit.simulate(np.concatenate([x, test]))
    want, test_want = want[:len(x)], want[len(x):]
    print(f"circuit simulated, {len(x)} s and {len(test)} s, "
          f"{time.time() - begin:.0f} s", flush=True)

    xs = torch.tensor(x, dtype=torch.float32)
    ys = torch.tensor(want, dtype=torch.float32)
    model = Drive()
    with torch.no_grad():  # remember by default
        model.lstm.bias_ih_l0[UNITS:2 * UNITS] += 1
        model.lstm.weight_ih_l0 *= 4
    optimiser = torch.optim.Adam(model.parameters(), lr=6e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=8e-3, total_steps=steps, pct_start=0.05,
        final_div_factor=200)
    length = WARM + COUNTED
    offsets = torch.arange(length)
    rng = np.random.default_rng(5)
    begin = time.time()
    for step in range(steps):
        rows = torch.tensor(rng.integers(0, len(x), BATCH))
        at = torch.tensor(rng.integers(0, sounds.RATE - length, BATCH))
        index = at[:, None] + offsets
        a = xs[rows[:, None], index]
        b = ys[rows[:, None], index]
        with torch.no_grad():
            _, state = model.run(a[:, :WARM, None])
        y, _ = model.run(a[:, WARM:, None], state)
        loss = loss_of(y[..., 0], b[:, WARM:])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        plan.step()
        if step % 500 == 499 or step == 20:
            print(f"{step + 1}: loss {float(loss.detach()):.5f} held out "
                  f"{evaluate(model, test[:32], test_want[:32]):.6f}, "
                  f"{time.time() - begin:.0f} s", flush=True)
    model.eval()
    offset = settle(model)
    print(f"offset at rest before it was taken out: {offset:.2e}")
    plucked = evaluate(model, test[:32], test_want[:32])
    other = evaluate(model, test[32:], test_want[32:])
    print(f"ESR held out: plucked {plucked:.6f}, chirps and noise {other:.6f}")
    export(model, plucked)
    golden(model, test)


def export(model, reached):
    path = os.path.join(HERE, "drive.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.zeros(1, 64, 1), path, dynamo=False,
                          opset_version=17, input_names=["input"],
                          output_names=["output"],
                          dynamic_axes={"input": {1: "time"},
                                        "output": {1: "time"}})
    m = onnx.load(path)
    for key, value in (
            ("name", "drive"),
            ("author", "the mlinfer authors"),
            ("licence", "BSD-3-Clause"),
            ("description", "Overdrive: an LSTM trained on a simulated diode "
             "clipper; ESR %.2f %% on held-out plucked strings"
             % (100 * reached)),
            ("source", "models/drive/train.py"),
            ("mlinfer.rate", "48000"),
            ("mlinfer.labels.input", "guitar"),
            ("mlinfer.labels.output", "drive"),
            ("mlinfer.low.input", "-1"), ("mlinfer.high.input", "1")):
        m.metadata_props.add(key=key, value=value)
    onnx.save(m, path)


def golden(model, test):
    """A short held-out sound and what PyTorch makes of it."""
    row, peak = np.unravel_index(np.abs(test[:32]).argmax(), test[:32].shape)
    begin = min(max(peak - 600, 0), test.shape[1] - 2400)
    x = test[row:row + 1, begin:begin + 2400, None]
    x = torch.tensor(x, dtype=torch.float32)
    with torch.no_grad():
        y = model.double()(x.double()).float()
    os.makedirs(GOLDEN, exist_ok=True)
    np.save(os.path.join(GOLDEN, "input.npy"), x.numpy())
    np.save(os.path.join(GOLDEN, "output.npy"), y.numpy())


if __name__ == "__main__":
    train(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS)
