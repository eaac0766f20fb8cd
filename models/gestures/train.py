#!/usr/bin/env python3
"""Train gestures.onnx: what a hand on a pad is doing, list by list.

    python3 train.py [steps]      (default 1500: two minutes on one core)
"""
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import shapes

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
import shipped  # noqa: E402

UNITS = 20
LENGTH = 300  # lists in a take: six seconds
BATCH = 48
STEPS = 1500


class Gestures(nn.Module):
    """Differences of positions, a GRU, and a dense layer over its memory."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(2, UNITS, batch_first=True)
        self.dense = nn.Linear(UNITS, len(shapes.LABELS))
        step = torch.tensor([[[-25.0, 25.0]]]).repeat(2, 1, 1)
        self.register_buffer("step", step)

    def scores(self, x):
        moved = F.conv1d(F.pad(x.transpose(1, 2), (1, 0)), self.step, groups=2)
        moved = torch.clamp(moved, -2, 2)  # the first one comes from nowhere
        return self.dense(self.gru(moved.transpose(1, 2))[0])

    def forward(self, position):
        return torch.softmax(self.scores(position), -1)


def takes(seed, count):
    rng = np.random.default_rng(seed)
    rows = [shapes.take(rng, LENGTH) for _ in range(count)]
    path, labels, weights = (np.stack(v) for v in zip(*rows))
    return (torch.tensor(path, dtype=torch.float32), torch.tensor(labels),
            torch.tensor(weights, dtype=torch.float32))


def evaluate(model, test):
    """How often the first of the classes is the right one."""
    path, labels, weights = test
    with torch.no_grad():
        right = (model.scores(path).argmax(-1) == labels).float()
    counts = weights > 0.99
    told = {name: float(right[counts & (labels == i)].mean())
            for i, name in enumerate(shapes.LABELS)}
    return float(right[counts].mean()), told


def train(steps):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    path, labels, weights = takes(2, 2000)
    test = takes(3, 400)
    model = Gestures()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=1e-2, total_steps=steps, pct_start=0.1)
    rng = np.random.default_rng(4)
    begin = time.time()
    for step in range(steps):
        rows = torch.tensor(rng.integers(0, len(path), BATCH))
        each = F.cross_entropy(model.scores(path[rows]).transpose(1, 2),
                               labels[rows], reduction="none")
        loss = (each * weights[rows]).sum() / weights[rows].sum()
        shipped.descend(loss, model, optimiser, plan, 1.0)
        if step % 250 == 249:
            print(f"{step + 1}: loss {float(loss.detach()):.4f} held out "
                  f"{evaluate(model, test)[0]:.4f}, "
                  f"{time.time() - begin:.0f} s", flush=True)
    model.eval()
    right, told = evaluate(model, test)
    print(f"held out: {right:.4f} right",
          ", ".join(f"{k} {v:.3f}" for k, v in told.items()))
    export(model, right)
    golden(model, test)


def export(model, right):
    shipped.export(
        model, "gestures", torch.zeros(1, 64, 2), ["position"], ["class"],
        "What a hand on a pad does, from a position every 20 ms: %.0f %% of "
        "held-out lists right" % (100 * right),
        {"labels.position": "x,y",
         "low.position": "0", "high.position": "1",
         "low.class": "0", "high.class": "1",
         "classes.class": ",".join(shapes.LABELS)},
        shipped.along_time("position", "class"))


def golden(model, test):
    """A held-out take and what PyTorch makes of it."""
    x = test[0][:1]
    with torch.no_grad():
        y = model.double()(x.double())
    shipped.save_golden("gestures", input=x, output=y)


if __name__ == "__main__":
    train(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS)
