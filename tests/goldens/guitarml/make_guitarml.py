#!/usr/bin/env python3
"""Small models in GuitarML's formats and what they answer.

The recurrent ones are computed by PyTorch's own layers, the WaveNets frame by
frame in numpy as the plugin does it. Run in this folder; needs torch, numpy.
"""
import json

import numpy as np
import torch

FRAMES = 600
rng = np.random.default_rng(7)
torch.manual_seed(7)


def write_npy(name, a):
    np.save(name, np.ascontiguousarray(a, dtype=np.float32))


t = np.arange(FRAMES) / 44100
SOUND = (0.6 * np.sin(2 * np.pi * 220 * t)
         + 0.3 * rng.standard_normal(FRAMES)).astype(np.float32)


def short(a):
    """Nested lists of the shortest decimals that give the same floats."""
    if a.ndim == 1:
        return [float(str(v)) for v in a]
    return [short(row) for row in a]


def recurrent(name, unit, hidden, layers, inputs, skip, bias, knobs):
    kind = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU,
            "RNN": torch.nn.RNN}[unit]
    rec = kind(inputs, hidden, layers, bias=True)
    lin = torch.nn.Linear(hidden, 1, bias=bias)
    for p in list(rec.parameters()) + list(lin.parameters()):
        p.data = torch.round(p.data * 1000) / 1000
    x = torch.zeros(FRAMES, 1, inputs)
    x[:, 0, 0] = torch.from_numpy(SOUND)
    for i, v in enumerate(knobs):
        x[:, 0, 1 + i] = v
    with torch.no_grad():
        y = lin(rec(x)[0])
        if skip:
            y = y + x[:, :, 0:1]
    state = {}
    for prefix, module in (("rec.", rec), ("lin.", lin)):
        for key, value in module.state_dict().items():
            state[prefix + key] = short(value.numpy())
    data = {"model": "SimpleRNN", "input_size": inputs, "skip": skip,
            "output_size": 1, "unit_type": unit, "num_layers": layers,
            "hidden_size": hidden, "bias_fl": bias}
    with open(name + ".json", "w") as f:
        json.dump({"model_data": data, "state_dict": state}, f)
    write_npy(name + ".output.npy", y[:, 0, :].numpy())


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softsign(x):
    return x / (1 + np.abs(x))


HALVES = {"gated": (np.tanh, sigmoid), "softgated": (softsign, softsign)}
PLAIN = {"tanh": np.tanh, "sigmoid": sigmoid, "softsign": softsign,
         "relu": lambda x: np.maximum(x, 0), "linear": lambda x: x}


def wavenet(name, activation, channels, taps, dilations, level, as_text):
    made = 2 * channels if activation in HALVES else channels
    variables = []

    def variable(layer, key, *shape):
        a = rng.standard_normal(shape) * 0.4
        a = (np.round(a * 1000) / 1000).astype(np.float32)
        data = [str(v) if as_text else float(str(v)) for v in a.ravel()]
        variables.append({"layer_idx": layer, "name": key, "data": data})
        return a.astype(np.float64)

    first_w = variable(-1, "W", 1, 1, channels)[0]
    first_b = variable(-1, "b", channels)
    stack = []
    for i, d in enumerate(dilations):
        stack.append((d, variable(i, "W_conv", taps, channels, made),
                      variable(i, "b_conv", made),
                      variable(i, "W_out", 1, channels, channels)[0],
                      variable(i, "b_out", channels)))
    n = len(dilations)
    last_w = variable(n, "W", 1, channels * n, 1)[0]
    last_b = variable(n, "b", 1)

    x = SOUND.astype(np.float64)[:, None] @ first_w + first_b
    skips = []
    for d, w, b, w_out, b_out in stack:
        z = np.zeros((FRAMES, made)) + b
        for k in range(taps):
            back = d * (taps - 1 - k)
            z[back:] += x[:FRAMES - back] @ w[k]
        if activation in HALVES:
            f, g = HALVES[activation]
            a = f(z[:, :channels]) * g(z[:, channels:])
        else:
            a = PLAIN[activation](z)
        skips.append(a)
        x = x + a @ w_out + b_out
    y = np.concatenate(skips, 1) @ last_w + last_b
    if level:
        y = y * level
    model = {"residual_channels": channels, "input_channels": 1,
             "output_channels": 1, "filter_width": taps,
             "dilations": dilations, "activation": activation,
             "variables": variables}
    if level is not None:
        model["level_adjust"] = level
    with open(name + ".json", "w") as f:
        json.dump(model, f)
    write_npy(name + ".output.npy", y)


write_npy("input.npy", SOUND[:, None])
recurrent("lstm40", "LSTM", 40, 1, 1, 1, True, [])
recurrent("gru", "GRU", 12, 1, 1, 0, True, [])
recurrent("lstm_two_layers", "LSTM", 8, 2, 1, 1, False, [])
recurrent("lstm_knob", "LSTM", 9, 1, 2, 1, True, [0.25])
recurrent("gru_two_knobs", "GRU", 8, 1, 3, 0, True, [0.25, 0.75])
recurrent("rnn", "RNN", 10, 1, 1, 1, True, [])
wavenet("wavenet_gated", "gated", 4, 3, [1, 2, 4, 8], 0.0, True)
wavenet("wavenet_softgated", "softgated", 3, 3, [1, 3, 9], 2.5, False)
wavenet("wavenet_relu", "relu", 4, 2, [1, 2, 4], None, False)
