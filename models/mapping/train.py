#!/usr/bin/env python3
"""Train mapping.onnx: mapping by showing.

A player puts a hand in a few poses and says, for each, what it shall sound
like. A small network learns these pairs and finds its own smooth way between
them. Three sensors (0 to 1) in, five synthesis parameters out.

    python3 train.py
"""
import os
import sys

import numpy as np
import torch
import torch.nn as nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
import shipped  # noqa: E402

SENSORS = ["tilt", "pressure", "position"]
PARAMETERS = [  # name, low, high
    ("pitch", 36.0, 84.0),       # MIDI note
    ("brightness", 0.0, 1.0),    # 0 dark .. 1 open
    ("index", 0.0, 8.0),         # of frequency modulation
    ("amplitude", 0.0, 1.0),
    ("vibrato", 0.0, 1.0),       # depth in semitones
]

# Hand-placed: tilt, pressure, position -> the five, in their own units.
# Without pressure it is (nearly) silent; position plays the pitch, tilt opens
# the sound, pressure brings loudness and, at the far end, a growl.
SHOWN = [
    ((0.0, 0.0, 0.0), (40.0, 0.05, 0.1, 0.02, 0.00)),  # asleep, low
    ((0.0, 0.0, 1.0), (76.0, 0.10, 0.1, 0.02, 0.00)),  # asleep, high
    ((1.0, 0.0, 0.5), (57.0, 0.40, 0.3, 0.02, 0.05)),  # tilted, not touched
    ((0.0, 0.5, 0.0), (40.0, 0.20, 0.8, 0.45, 0.02)),  # warm bass
    ((0.0, 0.5, 1.0), (76.0, 0.30, 0.4, 0.40, 0.20)),  # flute
    ((0.5, 0.5, 0.5), (58.0, 0.50, 1.5, 0.55, 0.15)),  # home
    ((1.0, 0.5, 0.0), (40.0, 0.75, 4.0, 0.55, 0.05)),  # reedy bass
    ((1.0, 0.5, 1.0), (76.0, 0.85, 2.0, 0.50, 0.45)),  # singing lead
    ((0.0, 1.0, 0.5), (58.0, 0.45, 2.5, 0.85, 0.10)),  # full, dark
    ((1.0, 1.0, 0.0), (38.0, 0.95, 7.5, 0.95, 0.02)),  # growl
    ((1.0, 1.0, 1.0), (79.0, 0.97, 5.0, 0.90, 0.85)),  # scream
    ((0.0, 1.0, 0.0), (40.0, 0.30, 2.0, 0.85, 0.02)),  # organ pedal
]

UNITS = 16
STEPS = 4000
SMOOTH = 3e-4  # weight of the bending between the poses


class Mapping(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(len(SENSORS), UNITS), nn.Tanh(),
            nn.Linear(UNITS, UNITS), nn.Tanh(),
            nn.Linear(UNITS, len(PARAMETERS)))
        self.register_buffer("low", torch.tensor([p[1] for p in PARAMETERS]))
        self.register_buffer("span",
                             torch.tensor([p[2] - p[1] for p in PARAMETERS]))

    def unit(self, sensors):
        """0 to 1, whatever comes in."""
        return torch.sigmoid(self.net(sensors))

    def forward(self, sensors):
        return self.low + self.span * self.unit(sensors)


def bending(model, generator):
    """Mean square of the second difference along random short lines."""
    at = torch.rand(256, len(SENSORS), generator=generator)
    step = torch.randn(256, len(SENSORS), generator=generator)
    step = 0.1 * step / step.norm(dim=1, keepdim=True)
    a, b, c = model.unit(at - step), model.unit(at), model.unit(at + step)
    return (((a - 2 * b + c) / 0.01) ** 2).mean()


def train():
    torch.set_num_threads(1)
    torch.manual_seed(4)
    generator = torch.Generator().manual_seed(5)
    x = torch.tensor([s for s, _ in SHOWN])
    model = Mapping()
    y = (torch.tensor([p for _, p in SHOWN]) - model.low) / model.span
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, 1e-4)
    for _ in range(STEPS):
        loss = ((model.unit(x) - y) ** 2).mean()
        total = loss + SMOOTH * bending(model, generator)
        shipped.descend(total, model, optimiser, plan)
    model.eval()
    with torch.no_grad():
        off = (model.unit(x) - y).abs()
        print(f"from the shown poses: mean {off.mean():.4f}, "
              f"worst {off.max():.4f} of a range")
        # A cent matters more than a percent of brightness.
        print(f"worst pitch: {48 * off[:, 0].max():.2f} semitones")
        grid = torch.cartesian_prod(*[torch.linspace(0, 1, 21)] * 3)
        g = model.unit(grid).reshape(21, 21, 21, -1)
        steepest = max(float(g.diff(dim=d).abs().max()) * 20 for d in range(3))
        print(f"steepest: {steepest:.2f} ranges over a sensor's whole way")
        mono = g[..., 0].diff(dim=2).min()
        print(f"pitch never falls as position rises: {bool(mono > 0)}")
    export(model)
    golden(model)


def export(model):
    shipped.export(
        model, "mapping", torch.zeros(1, len(SENSORS)),
        ["sensors"], ["parameters"],
        "Three sensors to five synthesis parameters, learned from %d poses"
        % len(SHOWN),
        {"labels.sensors": ",".join(SENSORS),
         "low.sensors": "0", "high.sensors": "1",
         "initial.sensors": "0.5 0 0.5",
         "labels.parameters": ",".join(p[0] for p in PARAMETERS),
         "low.parameters": " ".join("%g" % p[1] for p in PARAMETERS),
         "high.parameters": " ".join("%g" % p[2] for p in PARAMETERS)},
        {"sensors": {0: "batch"}, "parameters": {0: "batch"}})


def golden(model):
    rng = np.random.default_rng(6)
    x = torch.tensor(rng.uniform(-0.1, 1.1, (16, len(SENSORS))),
                     dtype=torch.float32)
    with torch.no_grad():
        y = model.double()(x.double())
    shipped.save_golden("mapping", input=x, output=y)


if __name__ == "__main__":
    train()
