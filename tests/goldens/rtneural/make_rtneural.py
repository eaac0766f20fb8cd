#!/usr/bin/env python3
"""Small models in RTNeural's and AIDA-X's JSON and what Keras answers.

Run in this folder; needs tensorflow (keras) and numpy.
"""
import json

import keras
import numpy as np

FRAMES = 400
rng = np.random.default_rng(11)
keras.utils.set_random_seed(11)


def write_npy(name, a):
    np.save(name, np.ascontiguousarray(a, dtype=np.float32))


def short(a):
    """Nested lists of the shortest decimals that give the same floats."""
    a = np.asarray(a, dtype=np.float32)
    if a.ndim == 0:
        return float(str(a))
    if a.ndim == 1:
        return [float(str(v)) for v in a]
    return [short(row) for row in a]


def rounded(layer, spread=0.5):
    """Weights of few digits, in place of what Keras began with."""
    new = []
    for w in layer.get_weights():
        a = rng.standard_normal(w.shape) * spread
        new.append((np.round(a * 1000) / 1000).astype(np.float32))
    layer.set_weights(new)
    return [short(w) for w in new]


def signal(channels):
    t = np.arange(FRAMES)[:, None]
    f = 0.02 * (1 + np.arange(channels))
    return (0.7 * np.sin(2 * np.pi * f * t)
            + 0.2 * rng.standard_normal((FRAMES, channels))).astype(np.float32)


def save(name, model, x, y):
    with open(name + ".json", "w") as f:
        json.dump(model, f)
    write_npy(name + ".input.npy", x)
    write_npy(name + ".output.npy", y)


def norm(channels, epsilon, affine=True, rank=3):
    layer = keras.layers.BatchNormalization(
        epsilon=epsilon, center=affine, scale=affine)
    layer.build((None,) * (rank - 1) + (channels,))
    n = len(layer.get_weights())
    new = [np.round(rng.standard_normal(channels) * 500) / 1000
           for _ in range(n - 1)]
    new.append(np.round(np.abs(rng.standard_normal(channels)) * 500) / 1000
               + 0.3)
    layer.set_weights(new)
    return layer, [short(w) for w in new]


def conv2d():
    """Time x feature: causal in time, valid and same over the features."""
    x = signal(7)[None, :, :, None]
    y = x
    layers = []
    features = 7
    for kt, kf, dilation, stride, channels, padding, act in (
            (3, 3, 1, 1, 2, "same", "tanh"), (2, 4, 1, 2, 3, "valid", ""),
            (2, 2, 3, 1, 2, "same", "relu")):
        layer = keras.layers.Conv2D(
            channels, (kt, kf), strides=(1, stride),
            padding="valid", dilation_rate=(dilation, 1),
            activation=act or None)
        before = after = 0
        if padding == "same":
            out = -(-features // stride)
            wide = max((out - 1) * stride + kf - features, 0)
            before, after = wide // 2, wide - wide // 2
        padded = np.pad(y, ((0, 0), ((kt - 1) * dilation, 0),
                            (before, after), (0, 0)))
        layer.build(padded.shape)
        weights = rounded(layer)
        layers.append({
            "type": "conv2d", "activation": act,
            "shape": [None, None, None, channels], "padding": padding,
            "kernel_size_time": kt, "kernel_size_feature": kf,
            "dilation": dilation, "strides": stride,
            "num_filters_in": y.shape[3], "num_filters_out": channels,
            "num_features_in": features, "weights": weights})
        y = np.asarray(layer(padded))
        features = y.shape[2]
        if padding == "valid":
            layer, weights = norm(channels, 0.01, rank=4)
            y = np.asarray(layer(y, training=False))
            layers.append({"type": "batchnorm2d", "activation": "",
                           "shape": [None, None, features, channels],
                           "epsilon": 0.01, "weights": weights})
    y = y.reshape(1, FRAMES, -1)
    layer = keras.layers.Dense(2)
    layer.build(y.shape)
    layers.append({"type": "dense", "activation": "",
                   "shape": [None, None, 2], "weights": rounded(layer)})
    y = np.asarray(layer(y))
    save("conv2d", {"in_shape": [None, None, 7, 1], "layers": layers},
         x[0, :, :, 0], y[0])


def stack():
    """Grouped and dilated convolutions, norms, slopes, a softmax."""
    x = signal(2)[None]
    y = x
    layers = []

    def add(layer, kind, act="", **more):
        nonlocal y
        layer.build(y.shape)
        layers.append({"type": kind, "activation": act,
                       "shape": [None, None, None], "weights": rounded(layer),
                       **more})
        y = np.asarray(layer(y))
        layers[-1]["shape"][-1] = y.shape[-1]

    add(keras.layers.Conv1D(8, 3, padding="causal", activation="tanh"),
        "conv1d", "tanh", kernel_size=[3], dilation=[1], groups=1)
    add(keras.layers.Conv1D(8, 2, padding="causal", dilation_rate=5, groups=4,
                            activation="elu"),
        "conv1d", "elu", kernel_size=2, dilation=5, groups=4)
    layer, weights = norm(8, 0.5, False)
    y = np.asarray(layer(y, training=False))
    layers.append({"type": "batchnorm", "activation": "",
                   "shape": [None, None, 8], "epsilon": 0.5,
                   "weights": weights})
    layer = keras.layers.PReLU(shared_axes=[1])
    add(layer, "prelu")
    layers[-1]["weights"] = [layers[-1]["weights"][0]]
    add(keras.layers.Dense(6, activation="softmax"), "time-distributed-dense",
        "softmax")
    add(keras.layers.GRU(5, return_sequences=True), "gru", "tanh")
    add(keras.layers.LSTM(4, return_sequences=True), "lstm", "tanh")
    add(keras.layers.Dense(3, use_bias=False), "dense")
    layers.append({"type": "activation", "activation": "sigmoid",
                   "shape": [None, None, 3], "weights": []})
    y = 1 / (1 + np.exp(-y))
    save("stack", {"in_shape": [None, None, 2], "layers": layers}, x[0], y[0])


def aida(name, cell, units, inputs, knobs, batch_error=0., **extra):
    """The layers alone make the batch, gains and skip stand around them."""
    layer = (keras.layers.LSTM if cell == "lstm" else keras.layers.GRU)(
        units, return_sequences=True)
    dense = keras.layers.Dense(1)
    x = signal(1)

    def run(sound, values):
        full = np.zeros((1, len(sound), inputs), np.float32)
        full[0, :, :1] = sound
        full[0, :, 1:] = values
        return np.asarray(dense(layer(full)))[0]

    run(x, 0)
    weights = rounded(layer), rounded(dense)
    batch = run(x, 0) + batch_error
    model = {
        "in_shape": [None, None, inputs],
        "layers": [
            {"type": cell, "activation": "", "shape": [None, None, units],
             "weights": weights[0]},
            {"type": "dense", "activation": "", "shape": [None, None, 1],
             "weights": weights[1]}],
        "input_batch": short(x[:, 0]), "output_batch": short(batch[:, 0]),
        **extra}
    gain_in = 10 ** (extra.get("in_gain", 0) / 20)
    gain_out = 10 ** (extra.get("out_gain", 0) / 20)
    loud = (x * gain_in).astype(np.float32)
    y = run(loud, knobs)
    if extra.get("in_skip"):
        y = y + loud
    save(name, model, x, y * gain_out)


conv2d()
stack()
aida("aidax_lstm", "lstm", 8, 1, 0.,
     metadata={"name": "a test", "samplerate": "44100", "license": "BSD"})
aida("aidax_skip", "lstm", 6, 1, 0., in_skip=1, in_gain=3.5, out_gain=-6.,
     metadata={"name": "another", "samplerate": 96000})
aida("aidax_knobs", "gru", 7, 3, np.array([0.25, 0.75]), in_skip=1)
aida("aidax_wrong_batch", "lstm", 4, 1, 0., batch_error=0.5, in_skip=0)
