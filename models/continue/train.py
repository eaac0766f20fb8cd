#!/usr/bin/env python3
"""Train continue.onnx: a GRU that goes on with a gesture where a hand stops.

Position by position it says where the hand will be next. Fed with what it said
instead of a hand, it goes on alone. It is trained so as well: it watches, then
it goes on by itself, and has to stay near what the hand would have done.

    python3 train.py [steps]      (default 4000: six minutes on one core)
"""
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../gestures"), os.path.join(HERE, "..")]
import shapes  # noqa: E402
import shipped  # noqa: E402

UNITS = 48
WATCHED = 100  # lists: two seconds
ALONE = 100
BATCH = 64
STEPS = 4000


class Continue(nn.Module):
    """A GRU over the position and the last step; it says the next step."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, UNITS, batch_first=True)
        self.dense = nn.Linear(UNITS, 2)
        with torch.no_grad():
            self.dense.weight *= 0.1
            self.dense.bias.zero_()

    def step(self, x, before, state):
        """x, before [batch, time, 2]: the next positions, and the state."""
        seen = torch.cat([4 * x - 2, 12 * (x - before)], -1)
        y, state = self.gru(seen, state)
        return torch.clamp(x + 0.1 * self.dense(y), 0, 1), state

    def watch(self, path):
        first = torch.full_like(path[:, :1], 0.5)  # as in the file
        before = torch.cat([first, path[:, :-1]], 1)
        return self.step(path, before, None)

    def alone(self, x, before, state, count):
        said = []
        for _ in range(count):
            y, state = self.step(x, before, state)
            said.append(y)
            before, x = x, y
        return torch.cat(said, 1)

    def forward(self, position, before, h):
        """For the file: before and h are kept from list to list."""
        y, hn = self.step(position[:, None], before[:, None], h)
        return y[:, 0], position + 0, hn


def gesture(rng, n):
    """A circle, an eight or a zigzag of one pace and size."""
    hz = rng.uniform(0.5, 1.6)
    at = 2 * np.pi * (hz * np.arange(n) / shapes.RATE * rng.choice([-1, 1])
                      + rng.uniform())
    kind = rng.integers(0, 3)
    if kind == 0:
        path = np.stack([np.cos(at), rng.uniform(0.6, 1) * np.sin(at)], 1)
    elif kind == 1:
        path = np.stack([np.cos(at), 0.6 * np.sin(2 * at)], 1)
    else:
        path = np.stack([2 / np.pi * np.arcsin(0.97 * np.cos(at)), 0 * at], 1)
    path = shapes.turn(path, rng.uniform(0, 2 * np.pi))
    path *= rng.uniform(0.15, 0.38)
    low, high = 0.03 - path.min(0), 0.97 - path.max(0)
    return path + rng.uniform(low, np.maximum(low, high))


def takes(seed, count):
    """Noisy paths to watch, and the clean ones to say."""
    rng = np.random.default_rng(seed)
    clean = np.stack([gesture(rng, WATCHED + ALONE) for _ in range(count)])
    noisy = np.stack([shapes.hand(rng, p) for p in clean])
    return (torch.tensor(noisy, dtype=torch.float32),
            torch.tensor(clean, dtype=torch.float32))


def go_on(model, noisy, count):
    """All that it says: next positions while it watches, then alone."""
    seen = noisy[:, :WATCHED]
    said, state = model.watch(seen)
    rest = model.alone(said[:, -1:], seen[:, -1:], state, count - 1)
    return said, rest


def evaluate(model, test):
    noisy, clean = test
    with torch.no_grad():
        said, rest = go_on(model, noisy, ALONE)
    away = (rest - clean[:, WATCHED + 1:]).norm(dim=-1)
    next_ = (said[:, 20:] - clean[:, 21:WATCHED + 1]).norm(dim=-1)
    return float(next_.mean()), float(away[:, :50].mean()), float(away.mean())


def train(steps):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    noisy, clean = takes(2, 4000)
    test = takes(3, 200)
    model = Continue()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=6e-3, total_steps=steps, pct_start=0.1)
    rng = np.random.default_rng(4)
    begin = time.time()
    for step in range(steps):
        rows = torch.tensor(rng.integers(0, len(noisy), BATCH))
        count = 2 + int((ALONE - 2) * min(1, 1.6 * step / steps))
        said, rest = go_on(model, noisy[rows], count)
        want = clean[rows]
        loss = ((said[:, 20:] - want[:, 21:WATCHED + 1]) ** 2).mean() \
            + ((rest - want[:, WATCHED + 1:WATCHED + count]) ** 2).mean()
        shipped.descend(loss, model, optimiser, plan, 0.5)
        if step % 200 == 199:
            print(f"{step + 1}: loss {float(loss.detach()):.5f}, next / one "
                  "second / two seconds off by %.4f %.4f %.4f" %
                  evaluate(model, test) + f", {time.time() - begin:.0f} s",
                  flush=True)
    model.eval()
    reached = evaluate(model, test)
    print("off by %.4f, alone %.4f in the first second, %.4f in two" % reached)
    export(model, reached)
    golden(model, test)


def export(model, reached):
    at = torch.full((1, 2), 0.5)
    shipped.export(
        model, "continue", (at, at, torch.zeros(1, 1, UNITS)),
        ["position", "before", "h0"], ["next", "before_out", "hn"],
        "Where a hand goes next, from a position every 20 ms; alone it stays "
        "within %.0f %% of the pad for a second" % (100 * reached[1]),
        {"labels.position": "x,y",
         "low.position": "0", "high.position": "1",
         "initial.before": "0.5",
         "labels.next": "x,y", "low.next": "0", "high.next": "1"})


def golden(model, test):
    """A held-out gesture, list by list, and what PyTorch says."""
    x = test[0][0].double()
    model = model.double()
    before = torch.full((1, 2), 0.5).double()
    h = torch.zeros(1, 1, UNITS).double()
    said = []
    with torch.no_grad():
        for at in x:
            y, before, h = model(at[None], before, h)
            said.append(y[0])
    shipped.save_golden("continue", input=x, output=torch.stack(said))


if __name__ == "__main__":
    train(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS)
