#!/usr/bin/env python3
"""Train fuzz.onnx: convolutions that play equations.py, with its two knobs.

    python3 train.py [steps]      (default 4000: three minutes on one core)
"""
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import equations  # puts ../drive on the path
import effects
import sounds

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
import shipped  # noqa: E402

UNITS = 8
TAPS = 8
DILATIONS = [1, 3, 9, 27]
REACH = (TAPS - 1) * sum(DILATIONS)
COUNTED = 1536  # frames that count, after as many as the layers reach back
BATCH = 24
STEPS = 4000


class Fuzz(nn.Module):
    """Dilated convolutions; the knobs scale and shift what each layer makes."""

    def __init__(self):
        super().__init__()
        layers = len(DILATIONS)
        self.convs = nn.ModuleList(
            nn.Conv1d(1 if i == 0 else UNITS, UNITS, TAPS, dilation=d)
            for i, d in enumerate(DILATIONS))
        self.knobs = nn.Sequential(nn.Linear(2, 16), nn.Tanh(),
                                   nn.Linear(16, 2 * layers * UNITS))
        self.out = nn.Linear(layers * UNITS, 1)
        with torch.no_grad():
            self.convs[0].weight *= 4

    def run(self, x, fuzz, octave):
        """x [batch, time, 1], knobs [batch, 1]."""
        k = self.knobs(torch.cat([fuzz, octave], 1))
        k = k.reshape(-1, 2 * len(DILATIONS), UNITS, 1)
        y, skips = x.transpose(1, 2), []
        for i, conv in enumerate(self.convs):
            z = conv(F.pad(y, ((TAPS - 1) * DILATIONS[i], 0)))
            z = torch.tanh(z * torch.exp(k[:, 2 * i]) + k[:, 2 * i + 1])
            skips.append(z)
            y = z if i == 0 else y + z
        return self.out(torch.cat(skips, 1).transpose(1, 2))

    def forward(self, input, fuzz, octave):
        return self.run(input, fuzz, octave)


def settings(seed, rows):
    """Knobs for rows of sound; the ends come often."""
    rng = np.random.default_rng(seed)
    return np.clip(rng.uniform(-0.2, 1.2, (rows, 2)), 0, 1)


def evaluate(model, x, knobs, want):
    with torch.no_grad():
        k = torch.tensor(knobs, dtype=torch.float32)
        y = model.run(torch.tensor(x, dtype=torch.float32)[..., None],
                      k[:, :1], k[:, 1:])
    return effects.esr(y[..., 0].numpy()[:, 1000:], want[:, 1000:])


def train(steps):
    torch.set_num_threads(1)
    torch.manual_seed(7)
    begin = time.time()
    x = sounds.material(21, 84, 28, sounds.RATE)
    test = sounds.material(22, 12, 4, sounds.RATE)
    knobs = settings(23, len(x) + len(test))
    want = equations.simulate(np.concatenate([x, test]), knobs[:, 0],
                            knobs[:, 1])
    test_knobs, test_want = knobs[len(x):], want[len(x):]
    print(f"circuit simulated, {time.time() - begin:.0f} s", flush=True)
    xs = torch.tensor(x, dtype=torch.float32)
    ys = torch.tensor(want[:len(x)], dtype=torch.float32)
    ks = torch.tensor(knobs[:len(x)], dtype=torch.float32)
    model = Fuzz()
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=1e-2, total_steps=steps, pct_start=0.1,
        final_div_factor=300)
    rng = np.random.default_rng(24)
    begin = time.time()
    for step in range(steps):
        rows, a, b = effects.segments(rng, xs, ys, BATCH, REACH + COUNTED)
        y = model.run(a[..., None], ks[rows, :1], ks[rows, 1:])
        loss = effects.loss_of(y[:, REACH:, 0], b[:, REACH:], 1e-4)
        shipped.descend(loss, model, optimiser, plan, 1.0)
        if step % 500 == 499 or step == 20:
            print(f"{step + 1}: loss {float(loss.detach()):.5f} held out "
                  f"{evaluate(model, test, test_knobs, test_want):.6f}, "
                  f"{time.time() - begin:.0f} s", flush=True)
    model.eval()
    plucked = evaluate(model, test[:12], test_knobs[:12], test_want[:12])
    other = evaluate(model, test[12:], test_knobs[12:], test_want[12:])
    print(f"ESR held out: plucked {plucked:.6f}, chirps and noise {other:.6f}")
    with torch.no_grad():
        rest = model.run(torch.zeros(9, 2000, 1),
                         torch.linspace(0, 1, 9)[:, None],
                         torch.linspace(1, 0, 9)[:, None])[:, -1, 0]
    print(f"at rest: at most {rest.abs().max():.4f}")
    export(model, plucked)
    golden(model, test)


def export(model, reached):
    knob = torch.full((1, 1), 0.5)
    shipped.export(
        model, "fuzz", (torch.zeros(1, 64, 1), knob, knob),
        ["input", "fuzz", "octave"], ["output"],
        "Octave fuzz with two knobs: dilated convolutions trained on "
        "equations; ESR %.2f %% on held-out plucked strings" % (100 * reached),
        {"rate": "48000",
         "labels.input": "guitar", "labels.output": "fuzz",
         "low.input": "-1", "high.input": "1",
         "low.fuzz": "0", "high.fuzz": "1", "initial.fuzz": "0.5",
         "low.octave": "0", "high.octave": "1", "initial.octave": "0"},
        shipped.along_time("input", "output"))


def golden(model, test):
    """A short held-out sound, knobs, and what PyTorch makes of them."""
    x = effects.loudest(test[:12], 1600)
    fuzz, octave = (torch.full((1, 1), v) for v in (0.75, 0.25))
    with torch.no_grad():
        y = model.double()(x.double(), fuzz.double(), octave.double())
    shipped.save_golden("fuzz", input=x, input2=fuzz, input3=octave, output=y)


if __name__ == "__main__":
    train(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS)
