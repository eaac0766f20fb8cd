#!/usr/bin/env python3
"""Train drive.onnx: an LSTM that plays the circuit in circuit.py.

    python3 train.py [steps]      (default 9000: some minutes on one core)
"""
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn

import circuit
import effects
import sounds

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
import shipped  # noqa: E402

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


def loss_of(y, want):
    """Error to signal, as it is and with the highs raised; and the mean."""
    loss = effects.loss_of(y, want, 1e-5)
    offset = ((y - want).mean(1) ** 2).mean() / ((want ** 2).mean() + 1e-5)
    return loss + offset


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
    return effects.esr(y[..., 0].numpy(), want)


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
    rng = np.random.default_rng(5)
    begin = time.time()
    for step in range(steps):
        _, a, b = effects.segments(rng, xs, ys, BATCH, WARM + COUNTED)
        with torch.no_grad():
            _, state = model.run(a[:, :WARM, None])
        y, _ = model.run(a[:, WARM:, None], state)
        loss = loss_of(y[..., 0], b[:, WARM:])
        shipped.descend(loss, model, optimiser, plan, 1.0)
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
    shipped.export(
        model, "drive", torch.zeros(1, 64, 1), ["input"], ["output"],
        "Overdrive: an LSTM trained on a simulated diode clipper; ESR %.2f %% "
        "on held-out plucked strings" % (100 * reached),
        {"rate": "48000",
         "labels.input": "guitar", "labels.output": "drive",
         "low.input": "-1", "high.input": "1"},
        shipped.along_time("input", "output"))


def golden(model, test):
    """A short held-out sound and what PyTorch makes of it."""
    x = effects.loudest(test[:32], 2400)
    with torch.no_grad():
        y = model.double()(x.double())
    shipped.save_golden("drive", input=x, output=y)


if __name__ == "__main__":
    train(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS)
