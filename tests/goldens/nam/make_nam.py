#!/usr/bin/env python3
"""Golden .nam files: models with random weights in every architecture and with
every feature of the format, an input, and what a program that shares nothing
with ours answers.

    python3 make_nam.py [FOLDER]        writes FOLDER/NAME.nam, NAME.output.npy,
                                        input.npy, input2.npy
    python3 make_nam.py --run FILE.nam INPUT.npy OUTPUT.npy [FRAMES]

The reference computes layer by layer as NeuralAmpModelerCore 0.5.5 does, in
float64, over the whole signal at once. It was made from a description of the
format; on that program's example models it agrees with the program's own output
within 5e-6 of full scale. Each model first runs on silence: as many whole
blocks of 64 frames as its prewarm needs.

Needs numpy. The seed is fixed: the same numpy writes the same files.
"""
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


# ------------------------------------------------------------ reference ----

def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def fast_tanh(x):
    a = np.abs(x)
    return (x * (2.45550750702956 + 2.45550750702956 * a
                 + (0.893229853513558 + 0.821226666969744 * a) * x * x)
            / (2.44506634652299 + (2.44506634652299 + x * x)
               * np.abs(x + 0.814642734961073 * x * a)))


def leaky_hard_tanh(x, lo, hi, lo_slope, hi_slope):
    return np.where(x < lo, (x - lo) * lo_slope + lo,
                    np.where(x > hi, (x - hi) * hi_slope + hi, x))


def activation(spec):
    """A function of [channels, frames]."""
    if isinstance(spec, str):
        spec = {"type": spec}
    kind, get = spec["type"], spec.get
    if kind == "PReLU":
        slopes = [get("negative_slope", 0.01)]
        if "negative_slope" not in spec and "negative_slopes" in spec:
            slopes = spec["negative_slopes"]
        slopes = np.array(slopes)

        def prelu(x):
            s = np.resize(slopes, len(x))[:, None]
            return np.where(x > 0, x, x * s)
        return prelu
    if kind == "LeakyReLU":
        return lambda x: np.where(x > 0, x, x * get("negative_slope", 0.01))
    if kind in ("LeakyHardtanh", "LeakyHardTanh"):
        return lambda x: leaky_hard_tanh(
            x, get("min_val", -1.0), get("max_val", 1.0),
            get("min_slope", 0.01), get("max_slope", 0.01))
    return {
        "Tanh": np.tanh,
        "Hardtanh": lambda x: np.clip(x, -1, 1),
        "Fasttanh": fast_tanh,
        "ReLU": lambda x: np.maximum(x, 0),
        "Sigmoid": sigmoid,
        "SiLU": lambda x: x * sigmoid(x),
        "Hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
        "Softsign": lambda x: x / (1 + np.abs(x)),
    }[kind]


class Weights:
    def __init__(self, flat):
        self.flat = np.array(flat, np.float32).astype(np.float64)
        self.at = 0

    def take(self, *shape):
        n = int(np.prod(shape))
        assert self.at + n <= len(self.flat), "weights are missing"
        self.at += n
        return self.flat[self.at - n:self.at].reshape(shape)

    def done(self):
        assert self.at == len(self.flat), "weights are left over"


class Conv:
    """[inputs, frames] -> [outputs, frames], causal, silence before."""

    def __init__(self, w, inputs, outputs, taps=1, dilation=1, bias=True,
                 groups=1):
        assert inputs % groups == 0 and outputs % groups == 0
        self.w = w.take(groups, outputs // groups, inputs // groups, taps)
        self.b = w.take(outputs) if bias else np.zeros(outputs)
        self.dilation = dilation

    def __call__(self, x):
        groups, out, inputs, taps = self.w.shape
        y = np.zeros((groups, out, x.shape[1]))
        x = x.reshape(groups, inputs, -1)
        for tap in range(taps):
            back = self.dilation * (taps - 1 - tap)
            moved = np.zeros_like(x)
            if back < x.shape[2]:
                moved[:, :, back:] = x[:, :, :x.shape[2] - back]
            y += np.einsum("goi,git->got", self.w[..., tap], moved)
        return y.reshape(groups * out, -1) + self.b[:, None]


FILMS = ["conv_pre", "conv_post", "input_mixin_pre", "input_mixin_post",
         "activation_pre", "activation_post", "layer1x1_post", "head1x1_post"]


def film_spec(layer, name):
    spec = layer.get(name + "_film")
    if not spec or not spec.get("active", True):
        return None
    return spec.get("shift", True), spec.get("groups", 1)


class Film:
    def __init__(self, w, spec, condition, width):
        self.spec = spec
        if spec:
            shift, groups = spec
            self.conv = Conv(w, condition, width * (2 if shift else 1),
                             groups=groups)

    def __call__(self, x, condition):
        if not self.spec:
            return x
        y = self.conv(condition)
        x = x * y[:len(x)]
        return x + y[len(x):] if self.spec[0] else x


def per_layer(value, n):
    return value if isinstance(value, list) else [value] * n


class Layer:
    def __init__(self, w, c, i):
        n = len(c["dilations"])
        channels, cond = c["channels"], c["condition_size"]
        b = c.get("bottleneck", channels)
        if "gating_mode" in c:
            self.mode = per_layer(c["gating_mode"], n)[i]
            second = per_layer(c.get("secondary_activation", "Sigmoid"), n)[i]
        else:
            self.mode = "gated" if c.get("gated") else "none"
            second = "Sigmoid"
        z = b if self.mode == "none" else 2 * b
        taps = c["kernel_size"] if "kernel_size" in c else c["kernel_sizes"][i]
        one = c.get("layer1x1", {"active": True, "groups": 1})
        head = c.get("head1x1", {"active": False})
        self.b = b
        self.act = activation(per_layer(c["activation"], n)[i])
        self.second = activation(second) if self.mode != "none" else None
        self.conv = Conv(w, channels, z, taps, c["dilations"][i],
                         groups=c.get("groups_input", 1))
        self.mixin = Conv(w, cond, z, bias=False,
                          groups=c.get("groups_input_mixin", 1))
        self.one = self.head = None
        if one["active"]:
            self.one = Conv(w, b, channels, groups=one["groups"])
        if head["active"]:
            self.head = Conv(w, b, head["out_channels"], groups=head["groups"])
        widths = [channels, z, cond, z, z, b, channels,
                  head.get("out_channels", 0)]
        self.film = [Film(w, film_spec(c, name), cond, width)
                     for name, width in zip(FILMS, widths)]

    def __call__(self, y, cond):
        f = self.film
        z = f[1](self.conv(f[0](y, cond)), cond)
        z = z + f[3](self.mixin(f[2](cond, cond)), cond)
        z = f[4](z, cond)
        top, low = z[:self.b], z[self.b:]
        a = self.act(top)
        if self.mode == "gated":
            a = a * self.second(low)
        elif self.mode == "blended":
            s = self.second(low)
            a = s * a + (1 - s) * top
        a = f[5](a, cond)
        if self.one:
            step = self.one(a)
            if self.mode == "blended":
                step = f[6](step, cond)
            y = y + step
        if self.head:
            a = f[7](self.head(a), cond)
        return y, a


class Stack:
    def __init__(self, w, c):
        head1x1 = c.get("head1x1", {"active": False})
        into = (head1x1["out_channels"] if head1x1["active"]
                else c.get("bottleneck", c["channels"]))
        self.rechannel = Conv(w, c["input_size"], c["channels"], bias=False)
        self.layers = [Layer(w, c, i) for i in range(len(c["dilations"]))]
        if c.get("head"):
            h = c["head"]
            out, taps, bias = h["out_channels"], h["kernel_size"], h["bias"]
            dilation = h.get("head_dilation", 1)
        else:
            out, taps, bias, dilation = c["head_size"], 1, c["head_bias"], 1
        self.head = Conv(w, into, out, taps, dilation, bias)
        sizes = (c["kernel_sizes"] if "kernel_sizes" in c
                 else [c["kernel_size"]] * len(self.layers))
        self.reach = (sum(d * (k - 1) for d, k in zip(c["dilations"], sizes))
                      + dilation * (taps - 1))

    def __call__(self, x, cond, head):
        y = self.rechannel(x)
        for layer in self.layers:
            y, a = layer(y, cond)
            head = a if head is None else head + a
        return y, self.head(head)


class WaveNet:
    def __init__(self, c, w, rate):
        self.inputs = c.get("in_channels", 1)
        self.cond = None
        self.prewarm = 1
        if c.get("condition_dsp"):
            self.cond = model(c["condition_dsp"])
            self.prewarm = self.cond.prewarm
        self.stacks = [Stack(w, s) for s in c["layers"]]
        self.prewarm += sum(s.reach for s in self.stacks)
        self.post = []
        if c.get("head"):
            h = c["head"]
            last = c["layers"][-1]
            width = last["head"]["out_channels"] if last.get("head") \
                else last["head_size"]
            sizes = h["kernel_sizes"]
            self.act = activation(h["activation"])
            for i, taps in enumerate(sizes):
                out = h["out_channels"] if i + 1 == len(sizes) else h["channels"]
                self.post.append(Conv(w, width, out, taps))
                width = out
            self.prewarm += sum(k - 1 for k in sizes)
        self.scale = w.take(1)[0]

    def __call__(self, x):
        cond = self.cond(x) if self.cond else x
        y, head = x, None
        for s in self.stacks:
            y, head = s(y, cond, head)
        head = head * self.scale
        for conv in self.post:
            head = conv(self.act(head))
        return head


class Lstm:
    def __init__(self, c, w, rate):
        self.inputs, h = c["input_size"], c["hidden_size"]
        self.cells = []
        for i in range(c["num_layers"]):
            n = h if i else self.inputs
            self.cells.append((w.take(4 * h, n + h), w.take(4 * h), w.take(h),
                               w.take(h)))
        self.head = Conv(w, h, c.get("out_channels", 1))
        self.prewarm = int(0.5 * rate) if rate else 1

    def __call__(self, x):
        for w, b, h, c in self.cells:
            n, y = len(h), []
            for t in range(x.shape[1]):
                gate = w @ np.concatenate([x[:, t], h]) + b
                i, f, o = (sigmoid(gate[k * n:(k + 1) * n]) for k in (0, 1, 3))
                c = f * c + i * np.tanh(gate[2 * n:3 * n])
                h = o * np.tanh(c)
                y.append(h)
            x = np.array(y).T
        return self.head(x)


class ConvNet:
    def __init__(self, c, w, rate):
        self.inputs = c.get("in_channels", 1)
        n = self.inputs
        self.act = activation(c["activation"])
        self.blocks = []
        for d in c["dilations"]:
            conv = Conv(w, n, c["channels"], 2, d, not c["batchnorm"],
                        c.get("groups", 1))
            n, norm = c["channels"], None
            if c["batchnorm"]:
                mean, var, gain, shift = w.take(4, n)
                gain = gain / np.sqrt(var + w.take(1))
                norm = gain[:, None], (shift - gain * mean)[:, None]
            self.blocks.append((conv, norm))
        self.head = Conv(w, n, c.get("out_channels", 1))
        self.prewarm = 1 + sum(c["dilations"])

    def __call__(self, x):
        for conv, norm in self.blocks:
            x = conv(x)
            if norm:
                x = x * norm[0] + norm[1]
            x = self.act(x)
        return self.head(x)


class Linear:
    def __init__(self, c, w, rate):
        self.h = w.take(c["receptive_field"])
        self.b = w.take(1)[0] if c["bias"] else 0.0
        self.inputs, self.outputs = c.get("in_channels", 1), \
            c.get("out_channels", 1)
        self.prewarm = 0

    def __call__(self, x):
        y = np.zeros((self.outputs, x.shape[1]))
        for i in range(min(self.inputs, self.outputs)):
            y[i] = np.convolve(x[i], self.h)[:x.shape[1]] + self.b
        return y


def model(j):
    c, rate = j["config"], j.get("sample_rate") or 0
    if j["architecture"] == "SlimmableContainer":
        return model(c["submodels"][-1]["model"])
    w = Weights(j["weights"])
    made = {"WaveNet": WaveNet, "LSTM": Lstm, "ConvNet": ConvNet,
            "Linear": Linear}[j["architecture"]](c, w, rate)
    w.done()
    return made


def run(j, x):
    """x: [channels, frames] -> [channels, frames], after the prewarm."""
    made = model(j)
    silence = -(-made.prewarm // 64) * 64
    y = made(np.concatenate([np.zeros((len(x), silence)), x], axis=1))
    return y[:, silence:].astype(np.float32)


# --------------------------------------------------------------- models ----

RNG = np.random.default_rng(20240229)


class Counter:
    """Stands for Weights: makes them, of a size that fits the layer."""

    def __init__(self, _):
        self.made = []

    def take(self, *shape):
        n = int(np.prod(shape))
        fan = int(np.prod(shape[2:])) if len(shape) > 2 else \
            shape[-1] if len(shape) == 2 else 4
        w = RNG.uniform(-1, 1, n) * 1.5 / np.sqrt(max(fan, 1))
        self.made.append(w)
        return w.reshape(shape)

    def done(self):
        pass


def whole(architecture, config, version="0.7.0", rate=48000, **more):
    global Weights
    j = {"version": version, "architecture": architecture, "config": config,
         "weights": []}
    if rate:
        j["sample_rate"] = rate
    j.update(more)
    real = Weights
    made = []

    class Recorder(Counter):
        def __init__(self, flat):
            # a condition_dsp has its weights already
            super().__init__(flat)
            self.real = real(flat) if flat else None
            if not flat:
                made.append(self)

        def take(self, *shape):
            return self.real.take(*shape) if self.real else super().take(*shape)

    Weights = Recorder
    with np.errstate(invalid="ignore"):  # variances are not positive yet
        model(j)
    Weights = real
    flat = np.concatenate(made[0].made).astype(np.float32)
    if architecture == "ConvNet" and config["batchnorm"]:
        positive_variances(config, flat)
    if architecture == "WaveNet":
        flat[-1] = 0.25
    j["weights"] = [float(v) for v in flat]
    return j


def positive_variances(c, flat):
    n, at = c["channels"], 0
    for i in range(len(c["dilations"])):
        at += 2 * n * (n if i else c.get("in_channels", 1)) // c.get("groups", 1)
        flat[at + n:at + 2 * n] = np.abs(flat[at + n:at + 2 * n]) + 0.1
        flat[at + 2 * n:at + 3 * n] += 1
        flat[at + 4 * n] = 1e-5
        at += 4 * n + 1


def stack(channels, dilations, act="Tanh", head=1, size=1, cond=1, taps=3,
          **more):
    c = {"input_size": size, "condition_size": cond, "channels": channels,
         "kernel_size": taps, "dilations": dilations, "activation": act}
    if isinstance(head, dict):
        c["head"] = head
    else:
        c.update(head_size=head, head_bias=True)
    c.update(more)
    return {k: v for k, v in c.items() if v is not None}


def net(*stacks, **more):
    return {"layers": list(stacks), "head": None, "head_scale": 0.02} | more


def models():
    yield "wavenet_plain", whole("WaveNet", net(
        stack(6, [1, 2, 4, 8], head=4, head_bias=False, gated=False),
        stack(4, [1, 2, 4], size=6, gated=False)), "0.5.0", rate=None)
    yield "wavenet_gated_legacy", whole("WaveNet", net(
        stack(5, [1, 2, 4], "ReLU", gated=True)), "0.5.1")
    yield "wavenet_head", whole("WaveNet", net(
        stack(8, [1, 3, 7], "LeakyReLU", taps=None, kernel_sizes=[6, 2, 1],
              head={"out_channels": 5, "kernel_size": 4, "bias": True,
                    "head_dilation": 3}),
        head={"channels": 4, "out_channels": 2, "kernel_sizes": [3, 1, 2],
              "in_channels": 5,
              "activation": {"type": "PReLU", "negative_slope": 0.2}}))
    acts = ["Tanh", "Hardtanh", "Fasttanh", "ReLU",
            {"type": "LeakyReLU", "negative_slope": 0.2}, "PReLU",
            {"type": "PReLU", "negative_slopes": [0.1, -0.2, 0.3, 0.4]},
            {"type": "PReLU", "negative_slopes": [0.5, 0.25]},
            "Sigmoid", "SiLU", {"type": "Hardswish"}, "LeakyHardtanh",
            {"type": "LeakyHardTanh", "min_val": -0.3, "max_val": 0.2,
             "min_slope": 0.1, "max_slope": 0.3}, "Softsign"]
    yield "wavenet_activations", whole("WaveNet", net(
        stack(4, [1 + i % 5 for i in range(len(acts))], acts, taps=2)))
    yield "wavenet_gating", whole("WaveNet", net(
        stack(6, [1, 2, 3, 4], ["Tanh", "ReLU", "Softsign", "SiLU"],
              bottleneck=4, gating_mode=["none", "gated", "blended", "blended"],
              secondary_activation=[None, "Sigmoid", "Sigmoid",
                                    {"type": "PReLU",
                                     "negative_slopes": [.1, .2, .3, .4]}])))
    films = {name + "_film": {"active": True, "shift": i % 2 == 0}
             for i, name in enumerate(FILMS)}
    yield "wavenet_film", whole("WaveNet", net(
        stack(4, [1, 2, 5], bottleneck=6, head=3,
              gating_mode=["none", "gated", "blended"],
              head1x1={"active": True, "out_channels": 3, "groups": 1},
              **films),
        stack(3, [2, 3], size=4, head=1, gating_mode="blended",
              secondary_activation="Hardtanh",
              activation_pre_film={"shift": False}, conv_pre_film=False,
              layer1x1_post_film={"active": True, "shift": True, "groups": 1},
              conv_post_film={"active": False}), in_channels=1))
    yield "wavenet_groups", whole("WaveNet", net(
        stack(8, [1, 2, 4], "Tanh", bottleneck=4, head=6, groups_input=4,
              head1x1={"active": True, "out_channels": 6, "groups": 2},
              layer1x1={"active": True, "groups": 2}, taps=4),
        stack(6, [1, 3], "ReLU", size=8, head=6, groups_input=6,
              layer1x1={"active": True, "groups": 6}),
        stack(6, [1, 3], "Tanh", size=6, groups_input=3,
              layer1x1={"active": False, "groups": 1}, taps=2)))
    inner = whole("WaveNet", net(
        stack(4, [1, 2], head=4), stack(4, [3], size=4, head=4, taps=2)))
    yield "wavenet_condition", whole("WaveNet", net(
        stack(5, [1, 2, 4], cond=4,
              input_mixin_pre_film={"groups": 4},
              input_mixin_post_film={"shift": False},
              activation_post_film={"active": True, "groups": 2, "shift": True},
              bottleneck=4, groups_input_mixin=2), condition_dsp=inner))
    inner = whole("LSTM", {"input_size": 1, "hidden_size": 3, "num_layers": 1,
                           "out_channels": 2}, rate=1000)
    yield "wavenet_condition_lstm", whole("WaveNet", net(
        stack(4, [1, 2], cond=2), condition_dsp=inner), rate=1000)
    yield "wavenet_stereo", whole("WaveNet", net(
        stack(6, [1, 2], "Tanh", size=2, cond=2, head=2, groups_input_mixin=2,
              groups_input=3), in_channels=2))
    yield "wavenet_slimmable", whole("WaveNet", net(
        stack(4, [1, 2, 4], "ReLU", head_bias=False, slimmable={
            "method": "slice_channels_uniform",
            "kwargs": {"allowed_channels": [1, 2, 4]}})))
    yield "lstm_one", whole("LSTM", {"input_size": 1, "hidden_size": 5,
                                     "num_layers": 1}, "0.5.4", rate=None)
    yield "lstm_two_layers", whole("LSTM", {
        "input_size": 2, "hidden_size": 6, "num_layers": 2, "in_channels": 2,
        "out_channels": 3}, rate=1000)
    yield "convnet", whole("ConvNet", {
        "channels": 6, "dilations": [1, 2, 4, 8], "batchnorm": False,
        "activation": "Tanh"}, "0.5.2")
    yield "convnet_batchnorm", whole("ConvNet", {
        "channels": 4, "dilations": [1, 2, 4], "batchnorm": True,
        "activation": {"type": "LeakyReLU", "negative_slope": 0.1}})
    yield "convnet_groups", whole("ConvNet", {
        "channels": 4, "dilations": [1, 3], "batchnorm": True,
        "activation": "ReLU", "groups": 2, "in_channels": 2,
        "out_channels": 2})
    yield "linear", whole("Linear", {"receptive_field": 40, "bias": True},
                          "0.5.0")
    yield "linear_one", whole("Linear", {"receptive_field": 1, "bias": False})
    yield "linear_stereo", whole("Linear", {
        "receptive_field": 17, "bias": True, "in_channels": 2,
        "out_channels": 3, "implementation": "direct"})
    yield "linear_narrow", whole("Linear", {
        "receptive_field": 5, "bias": False, "in_channels": 2})
    small = whole("LSTM", {"input_size": 1, "hidden_size": 2, "num_layers": 1})
    large = whole("WaveNet", net(stack(4, [1, 2])), "0.6.0", metadata={
        "name": "caf\u00e9 \U0001f3b8 \"inner\"", "modeled_by": "nobody",
        "loudness": -18.25, "input_level_dbu": None, "gear_type": "amp",
        "training": {"any": ["thing", {"deep": [1, 2.5e-3, True, None]}]}})
    container = {"submodels": [{"max_value": 0.5, "model": small},
                               {"max_value": 1.0, "model": large}]}
    j = {"version": "0.7.0", "architecture": "SlimmableContainer",
         "config": container, "weights": [], "sample_rate": 48000}
    yield "container", j


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    t = np.arange(600) / 48000
    noise = RNG.uniform(-1, 1, (2, len(t))) * np.linspace(0, 0.5, len(t))
    tone = 0.5 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(
        2 * np.pi * 3100 * t)
    x = (tone + noise).astype(np.float32)
    np.save(folder / "input.npy", x[0])
    np.save(folder / "input2.npy", x.T.copy())
    for i, (name, j) in enumerate(models()):
        inputs = model(j).inputs
        y = run(j, x[:inputs].astype(np.float64))
        if i % 3 == 1:  # keys may come in any order
            j = dict(reversed(list(j.items())))
        text = json.dumps(j, indent=i % 2 or None, ensure_ascii=i % 2 == 0)
        (folder / (name + ".nam")).write_text(text + "\n", encoding="utf-8")
        np.save(folder / (name + ".output.npy"),
                y[0] if len(y) == 1 else y.T.copy())
        peak = np.abs(y).max()
        assert np.isfinite(y).all() and 1e-3 < peak < 1e3, (name, peak)
        print(f"{name:24} {inputs} in, {len(y)} out, peak {peak:.3g}")


def main():
    if sys.argv[1:2] == ["--run"]:
        j = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8-sig"))
        x = np.load(sys.argv[3]).astype(np.float64)
        frames = int(sys.argv[5]) if len(sys.argv) > 5 else None
        x = (x[None] if x.ndim == 1 else x.T)[:, :frames]
        y = run(j, x)
        np.save(sys.argv[4], y[0] if len(y) == 1 else y.T.copy())
    else:
        write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)


if __name__ == "__main__":
    main()
