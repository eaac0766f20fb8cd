#!/usr/bin/env python3
"""Make the ONNX graph goldens: one small graph for each way of meeting time.

Where make_onnx.py takes what PyTorch writes, these graphs are put together
node by node, so that each shows one thing. Needs onnx, onnxruntime and numpy
(models/requirements.txt). Writes tests/goldens/onnx-graphs/NAME/ with
model.onnx, inN.npy and outN.npy (ONNX Runtime's answer), as the ports of the
model have them: [frames, channels] where there is time, else [values]; and
list.txt, a line for each: name, mode, latency, window asked for (0: none),
mode asked for (or auto).
"""
import os
import shutil

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx-graphs")
T = 120       # frames of a stream
W = 32        # frames of a window
FAR = 2**62   # an end that is never reached

random = np.random.default_rng(20240607)
lines = []


def noise(*shape):
    return random.standard_normal(shape).astype(np.float32)


class Graph:
    def __init__(self, opset=17):
        self.opset = opset
        self.nodes, self.tensors, self.inputs, self.outputs = [], [], [], []
        self.functions = []
        self.count = 0

    def name(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def input(self, name, *shape):
        self.inputs.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, value, name, *shape):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                          shape or None))

    def const(self, value):
        name = self.name("const")
        self.tensors.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weights(self, *shape):
        fan = int(np.prod(shape[1:])) or 1
        return self.const(noise(*shape) / np.float32(np.sqrt(fan)))

    def op(self, kind, *inputs, count=1, **attributes):
        outputs = [self.name("value") for _ in range(count)]
        self.nodes.append(helper.make_node(
            kind, list(inputs), outputs, name=self.name(kind), **attributes))
        return outputs[0] if count == 1 else outputs

    def conv(self, x, inputs, outputs, taps, dilation=1, pads=(0, 0), **more):
        return self.op("Conv", x, self.weights(outputs, inputs, taps),
                       self.weights(outputs), dilations=[dilation],
                       pads=list(pads), **more)

    def recurrent(self, kind, x, inputs, units, h0="", c0="", **more):
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
        sides = 2 if more.get("direction") == "bidirectional" else 1
        args = [x, self.weights(sides, gates * units, inputs),
                self.weights(sides, gates * units, units),
                self.weights(sides, 2 * gates * units), "", h0]
        args += [c0] if kind == "LSTM" else []
        while not args[-1]:
            args.pop()
        return self.op(kind, *args, count=3 if kind == "LSTM" else 2,
                       hidden_size=units, **more)

    def model(self):
        graph = helper.make_graph(self.nodes, "graph", self.inputs,
                                  self.outputs, self.tensors)
        opsets = [helper.make_opsetid("", self.opset)]
        if self.functions:
            opsets.append(helper.make_opsetid("local", 1))
        if any(n.domain == "com.microsoft" for n in self.nodes):
            opsets.append(helper.make_opsetid("com.microsoft", 1))
        model = helper.make_model(graph, opset_imports=opsets,
                                  functions=self.functions)
        model.ir_version = 8
        return model


def port(array, time):
    """As a port has it: time in front, the rest as channels."""
    if time is None:
        return array.reshape(-1)
    array = np.moveaxis(array, time, 0)
    return np.ascontiguousarray(array.reshape(array.shape[0], -1))


def golden(name, graph, data, times, out_times, mode="stream", latency=0,
           window=0, ask="auto", skip_inputs=(), outputs=None, truth=None,
           near=None):
    """data: arrays by input name; times: the time axis of each; out_times: of
    each output that the model keeps (outputs names them). truth: a graph that
    says what is right, where the graph's own answer is only that near."""
    folder = os.path.join(HERE, name)
    os.makedirs(folder)
    path = os.path.join(folder, "model.onnx")
    onnx.save(graph.model(), path)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = outputs or [v.name for v in graph.outputs]
    result = session.run(names, data)
    if truth:
        own = result
        result = ort.InferenceSession(
            truth.model().SerializeToString(),
            providers=["CPUExecutionProvider"]).run(names, data)
        for a, b in zip(own, result):
            assert np.abs(a - b).max() < near * np.abs(b).max(), name
    kept = [k for k in data if k not in skip_inputs]
    for i, key in enumerate(kept):
        np.save(os.path.join(folder, f"in{i}.npy"),
                port(data[key], times.get(key)))
    for i, (array, time) in enumerate(zip(result, out_times)):
        np.save(os.path.join(folder, f"out{i}.npy"),
                port(array.astype(np.float32), time))
    lines.append(f"{name} {mode} {latency} {window} {ask}")


# ------------------------------------------------------------------ streams --

def streams(kind, t):
    """t: "time" (dynamic) or T (fixed)."""
    g = Graph()  # padding on both sides, the tail cut off
    h = g.input("x", 1, 2, t)
    for d in (1, 2, 4):
        c = g.conv(h, 2 if d == 1 else 4, 4, 3, d, (2 * d, 2 * d))
        c = g.op("Slice", c, g.const([0]), g.const([-2 * d]), g.const([2]))
        h = g.op("Relu", c) if d == 1 else g.op("Add", g.op("Relu", c), h)
    g.output(h, "y")
    golden(f"trimmed-{kind}", g, {"x": noise(1, 2, T)}, {"x": 2}, [2])

    g = Graph()  # symmetric padding; sigmoid(0) is not 0, so layers are held
    x = g.input("x", 1, 1, t)
    a = g.op("Sigmoid", g.conv(x, 1, 4, 5, 1, (2, 2)))
    b = g.op("Sigmoid", g.conv(a, 4, 4, 3, 2, (2, 2)))
    g.output(g.conv(g.op("Add", a, b), 4, 1, 3, 1, (1, 1)), "y")
    golden(f"looks-ahead-{kind}", g, {"x": noise(1, 1, T)}, {"x": 2}, [2],
           latency=5)

    g = Graph()  # outputs that look ahead by 1, 2 and 0 frames
    x = g.input("x", 1, 1, t)
    g.output(g.op("Exp", g.conv(x, 1, 2, 3, 1, (1, 1))), "one")
    g.output(g.op("Exp", g.conv(x, 1, 2, 5, 1, (2, 2))), "two")
    g.output(g.op("Exp", x), "none")
    golden(f"latencies-{kind}", g, {"x": noise(1, 1, T)}, {"x": 2}, [2, 2, 2],
           latency=2)

    g = Graph()  # padding in front by Pad, between transposes
    h = g.op("Transpose", g.input("x", 1, t, 3), perm=[0, 2, 1])
    h = g.op("Pad", h, g.const([0, 0, 6, 0, 0, 0]))
    h = g.op("Transpose", g.op("Tanh", g.conv(h, 3, 5, 4, 2)), perm=[0, 2, 1])
    g.output(g.op("MatMul", h, g.weights(5, 2)), "y")
    golden(f"padded-{kind}", g, {"x": noise(1, T, 3)}, {"x": 1}, [1])

    g = Graph()  # padding in front by joining zeros
    x = g.input("x", 1, 2, t)
    zeros = g.const(np.zeros((1, 2, 3), np.float32))
    g.output(g.conv(g.op("Concat", zeros, x, axis=2), 2, 3, 4), "y")
    golden(f"joined-zeros-{kind}", g, {"x": noise(1, 2, T)}, {"x": 2}, [2])

    g = Graph()  # more padding in front than needed; padding that no layer takes
    h = g.op("Sigmoid", g.conv(g.input("x", 1, 1, t), 1, 3, 3, 1, (7, 0)))
    h = g.op("Exp", g.op("Pad", h, g.const([0, 0, 2, 0, 0, 0])))
    g.output(g.conv(h, 3, 2, 2, 1, (1, 0)), "y")
    golden(f"padded-more-{kind}", g, {"x": noise(1, 1, T)}, {"x": 2}, [2])

    g = Graph()  # no padding at all, the branch beside cut to fit
    h = g.input("x", 1, 3, t)
    for d in (1, 3):
        c = g.op("Tanh", g.conv(h, 3, 3, 3, d))
        cut = g.op("Slice", h, g.const([2 * d]), g.const([FAR]), g.const([2]))
        h = g.op("Add", c, cut)
    g.output(h, "y")
    golden(f"cropped-{kind}", g, {"x": noise(1, 3, T)}, {"x": 2}, [2],
           latency=8)

    g = Graph()  # a control that scales channels
    x, k = g.input("x", 1, 1, t), g.input("k", 1, 4)
    f = g.op("Gemm", k, g.weights(4, 6), g.weights(6))
    f = g.op("Unsqueeze", f, g.const([2]))
    h = g.op("Mul", g.conv(x, 1, 6, 3, 1, (2, 0)), f)
    g.output(g.conv(g.op("Tanh", h), 6, 1, 1), "y")
    golden(f"control-{kind}", g, {"x": noise(1, 1, T), "k": noise(1, 4)},
           {"x": 2}, [2])

    g = Graph()  # a control stretched to the length of the signal, as channels
    x, k = g.input("x", 1, 1, t), g.input("k", 1, 4)
    length = g.op("Gather", g.op("Shape", x), g.const([2]), axis=0)
    shape = g.op("Concat", g.const([1, 4]), length, axis=0)
    k = g.op("Expand", g.op("Unsqueeze", k, g.const([2])), shape)
    h = g.conv(g.op("Concat", x, k, axis=1), 5, 6, 3, 1, (2, 0))
    g.output(h, "y")
    golden(f"stretched-{kind}", g, {"x": noise(1, 1, T), "k": noise(1, 4)},
           {"x": 2}, [2])

    g = Graph()  # two signals
    x, k = g.input("x", 1, 1, t), g.input("k", 1, t, 2)
    h = g.op("Concat", x, g.op("Transpose", k, perm=[0, 2, 1]), axis=1)
    g.output(g.conv(h, 3, 2, 3, 1, (2, 0)), "y")
    golden(f"two-signals-{kind}", g,
           {"x": noise(1, 1, T), "k": noise(1, T, 2)}, {"x": 2, "k": 1}, [2])

    g = Graph()  # softmax and reductions over channels
    h = g.conv(g.input("x", 1, 4, t), 4, 6, 3, 1, (2, 0))
    h = g.op("Softmax", h, axis=1)
    h = g.op("Sub", h, g.op("ReduceMean", h, axes=[1], keepdims=1))
    g.output(g.op("ReduceMax", h, axes=[1], keepdims=0), "y")
    golden(f"reduced-{kind}", g, {"x": noise(1, 4, T)}, {"x": 2}, [1])

    g = Graph()  # a batch of three signals
    x = g.input("x", 3, 2, t)
    g.output(g.op("Tanh", g.conv(x, 2, 4, 3, 1, (2, 0))), "y")
    golden(f"batch-{kind}", g, {"x": noise(3, 2, T)}, {"x": 2}, [2])

    g = Graph()  # channels in groups, shuffled
    h = g.conv(g.input("x", 1, 4, t), 4, 6, 3, 1, (2, 0))
    h = g.op("Reshape", h, g.const([1, 2, 3, -1]))
    h = g.op("Transpose", h, perm=[0, 2, 1, 3])
    h = g.op("Reshape", h, g.const([1, 6, -1]))
    g.output(g.conv(h, 6, 2, 2, 1, (1, 0)), "y")
    golden(f"shuffled-{kind}", g, {"x": noise(1, 4, T)}, {"x": 2}, [2])

    g = Graph()  # a signal without channel or batch axis
    h = g.op("Reshape", g.input("x", t), g.const([1, 1, -1]))
    h = g.conv(g.conv(h, 1, 3, 3, 1, (2, 0)), 3, 1, 1)
    g.output(g.op("Reshape", h, g.const([-1])), "y")
    golden(f"bare-{kind}", g, {"x": noise(T)}, {"x": 0}, [0])

    for layer in ("LSTM", "GRU", "RNN"):
        g = Graph()
        h = g.recurrent(layer, g.input("x", t, 1, 3), 3, 5)[0]
        h = g.op("Squeeze", h, g.const([1]))
        g.output(g.op("MatMul", h, g.weights(5, 2)), "y")
        golden(f"{layer.lower()}-{kind}", g, {"x": noise(T, 1, 3)}, {"x": 0},
               [0])

    g = Graph()
    h = g.recurrent("GRU", g.input("x", t, 1, 3), 3, 5,
                    linear_before_reset=1)[0]
    g.output(g.op("Squeeze", h, g.const([1])), "y")
    golden(f"gru-after-{kind}", g, {"x": noise(T, 1, 3)}, {"x": 0}, [0])

    g = Graph()  # states from outside, which then live in the session
    x, h0 = g.input("x", t, 1, 3), g.input("h0", 1, 1, 5)
    c0 = g.input("c0", 1, 1, 5)
    y, hn, cn = g.recurrent("LSTM", x, 3, 5, h0, c0)
    g.output(g.op("Squeeze", y, g.const([1])), "y")
    g.output(hn, "hn")
    g.output(cn, "cn")
    zero = np.zeros((1, 1, 5), np.float32)
    golden(f"lstm-states-{kind}", g,
           {"x": noise(T, 1, 3), "h0": zero, "c0": zero}, {"x": 0}, [0],
           skip_inputs=("h0", "c0"), outputs=["y"])


# ------------------------------------------------------------------ windows --

def windows():
    def window(name, graph, data, times, out_times, **more):
        golden(name, graph, data, times, out_times, mode="window", **more)

    g = Graph()
    h = g.op("Relu", g.conv(g.input("x", 1, 2, W), 2, 4, 5, 1, (2, 2)))
    h = g.op("AveragePool", h, kernel_shape=[4], strides=[2], pads=[1, 1])
    h = g.conv(h, 4, 4, 3, 1, (1, 1), strides=[2])
    h = g.op("MaxPool", h, kernel_shape=[3], strides=[2], pads=[1, 1])
    h = g.op("Gemm", g.op("Flatten", h), g.weights(16, 5), g.weights(5))
    g.output(g.op("Softmax", h), "y")
    window("pools", g, {"x": noise(1, 2, W)}, {"x": 2}, [None])

    g = Graph()  # dynamic time: the window is asked for
    h = g.op("Relu", g.conv(g.input("x", 1, 2, "time"), 2, 4, 5, 1, (2, 2)))
    h = g.op("Flatten", g.op("GlobalAveragePool", h))
    g.output(g.op("Gemm", h, g.weights(4, 5), g.weights(5)), "y")
    window("window-asked-for", g, {"x": noise(1, 2, W)}, {"x": 2}, [None],
           window=W)

    g = Graph()  # a stream that is asked to be a window
    h = g.conv(g.input("x", 1, 2, W), 2, 3, 3, 1, (2, 0))
    g.output(g.op("Tanh", h), "y")
    window("mode-asked-for", g, {"x": noise(1, 2, W)}, {"x": 2}, [2],
           ask="window")

    for layer in ("LSTM", "GRU", "RNN"):
        g = Graph()
        h = g.op("Transpose", g.input("x", 1, W, 3), perm=[1, 0, 2])
        y = g.recurrent(layer, h, 3, 5, direction="bidirectional")
        h = g.op("Transpose", y[0], perm=[2, 0, 1, 3])
        h = g.op("Reshape", h, g.const([0, 0, 10]))
        g.output(g.op("MatMul", h, g.weights(10, 2)), "y")
        g.output(y[1], "h")
        window(f"{layer.lower()}-both-ways", g, {"x": noise(1, W, 3)},
               {"x": 1}, [1, None])

        g = Graph()
        y = g.recurrent(layer, g.input("x", W, 2, 3), 3, 5,
                        direction="reverse")
        g.output(y[0], "y")
        g.output(y[1], "h")
        window(f"{layer.lower()}-backwards", g, {"x": noise(W, 2, 3)},
               {"x": 0}, [0, None])

    g = Graph()  # the last frame only
    h = g.op("Transpose", g.input("x", 1, W, 3), perm=[1, 0, 2])
    h = g.op("Squeeze", g.recurrent("LSTM", h, 3, 5)[0], g.const([1]))
    h = g.op("Gather", g.op("Transpose", h, perm=[1, 0, 2]), g.const(-1),
             axis=1)
    g.output(g.op("Gemm", h, g.weights(5, 4), g.weights(4)), "y")
    window("last-frame", g, {"x": noise(1, W, 3)}, {"x": 1}, [None])

    g = Graph()  # the final state only
    h = g.op("Transpose", g.input("x", 1, W, 3), perm=[1, 0, 2])
    h = g.op("Squeeze", g.recurrent("GRU", h, 3, 5)[1], g.const([0]))
    g.output(g.op("Gemm", h, g.weights(5, 4), g.weights(4)), "y")
    window("final-state", g, {"x": noise(1, W, 3)}, {"x": 1}, [None])

    g = Graph()  # attention over time
    h = g.conv(g.input("x", 1, 4, W), 4, 8, 3, 1, (1, 1))
    h = g.op("Transpose", h, perm=[0, 2, 1])
    q, k, v = (g.op("MatMul", h, g.weights(8, 8)) for _ in range(3))
    s = g.op("MatMul", q, g.op("Transpose", k, perm=[0, 2, 1]))
    s = g.op("Softmax", g.op("Div", s, g.const(np.float32(2.8))), axis=-1)
    g.output(g.op("MatMul", s, v), "y")
    window("attention", g, {"x": noise(1, 4, W)}, {"x": 2}, [1])

    g = Graph()
    h = g.conv(g.input("x", 1, 4, W), 4, 8, 3, 1, (1, 1))
    h = g.op("InstanceNormalization", h, g.weights(8), g.weights(8))
    g.output(h, "y")
    window("instance-norm", g, {"x": noise(1, 4, W)}, {"x": 2}, [2])

    g = Graph(21)
    h = g.conv(g.input("x", 1, 4, W), 4, 8, 3, 1, (1, 1))
    h = g.op("GroupNormalization", h, g.weights(8), g.weights(8),
             num_groups=2)
    g.output(h, "y")
    window("group-norm", g, {"x": noise(1, 4, W)}, {"x": 2}, [2])

    g = Graph()  # mirrored padding, then a layer
    h = g.op("Pad", g.input("x", 1, 2, W), g.const([0, 0, 2, 0, 0, 3]),
             mode="reflect")
    h = g.op("Pad", g.conv(h, 2, 3, 6), g.const([0, 0, 2, 0, 0, 3]),
             mode="edge")
    g.output(h, "y")
    window("mirrored", g, {"x": noise(1, 2, W)}, {"x": 2}, [None])

    g = Graph()  # a constant that belongs to each frame
    h = g.conv(g.input("x", 1, 2, W), 2, 2, 3, 1, (2, 0))
    g.output(g.op("Add", h, g.weights(1, 2, W)), "y")
    window("positions", g, {"x": noise(1, 2, W)}, {"x": 2}, [2])

    g = Graph()  # steps of two frames, and a control
    x, k = g.input("x", 1, 2, W), g.input("k", 1, 3)
    h = g.conv(x, 2, 3, 3, 1, (1, 1), strides=[2])
    g.output(g.op("Mul", h, g.op("Unsqueeze", k, g.const([2]))), "y")
    window("strided", g, {"x": noise(1, 2, W), "k": noise(1, 3)}, {"x": 2},
           [None], ask="window")


# -------------------------------------------------------------------- steps --

def steps():
    g = Graph()  # shapes that are computed from a dynamic batch axis
    h = g.op("Gemm", g.input("x", "batch", 6), g.weights(6, 8), g.weights(8))
    batch = g.op("Gather", g.op("Shape", "x"), g.const([0]))
    h = g.op("Reshape", h, g.op("Concat", batch, g.const([2, 4]), axis=0))
    g.output(g.op("ReduceL2", h, axes=[2], keepdims=0), "y")
    golden("computed-shape", g, {"x": noise(1, 6)}, {}, [None], mode="step")

    g = Graph()  # dense layers do not make a time axis
    h = g.op("MatMul", g.input("x", "batch", "time", 3), g.weights(3, 5))
    g.output(g.op("Tanh", h), "y")
    golden("dense-step", g, {"x": noise(1, 1, 3)}, {}, [None], mode="step")

    g = Graph()  # unless it is asked for
    h = g.op("MatMul", g.input("x", "batch", "time", 3), g.weights(3, 5))
    g.output(g.op("Tanh", h), "y")
    golden("dense-stream", g, {"x": noise(1, T, 3)}, {"x": 1}, [1],
           ask="stream")

    g = Graph()  # one frame at a time
    h = g.recurrent("LSTM", g.input("x", 1, 1, 3), 3, 5)[0]
    g.output(g.op("Squeeze", h, g.const([1])), "y")
    golden("one-frame", g, {"x": noise(1, 1, 3)}, {}, [None], mode="step")

    g = Graph()  # nothing to do, and nothing to read
    x = g.input("x", 1, 3)
    g.output(x, "same")
    g.output(g.op("Add", g.const(np.float32([1, 2])),
                  g.const(np.float32([3, 4]))), "constant")
    golden("passed-on", g, {"x": noise(1, 3)}, {}, [None, None], mode="step")

    # A local function with an attribute, and an If whose condition folds.
    body = [helper.make_node("Sigmoid", ["a"], ["s"]),
            helper.make_node("Mul", ["a", "s"], ["m"]),
            helper.make_node("LeakyRelu", ["m"], ["b"])]
    alpha = onnx.AttributeProto(name="alpha", type=1, ref_attr_name="alpha")
    body[2].attribute.append(alpha)
    g = Graph()
    g.functions = [helper.make_function(
        "local", "Act", ["a"], ["b"], body, [helper.make_opsetid("", 17)],
        ["alpha"])]
    x = g.input("x", 1, 1, "time")
    h = g.conv(x, 1, 4, 3, 1, (2, 0))
    g.nodes.append(helper.make_node("Act", [h], ["acted"], domain="local",
                                    alpha=0.3))
    yes = helper.make_graph(
        [helper.make_node("Relu", ["acted"], ["then"])], "yes", [],
        [helper.make_tensor_value_info("then", TensorProto.FLOAT, None)])
    no = helper.make_graph(
        [helper.make_node("Einsum", ["acted"], ["else"],
                          equation="abc->abc")], "no", [],
        [helper.make_tensor_value_info("else", TensorProto.FLOAT, None)])
    channels = g.op("Gather", g.op("Shape", x), g.const(1))
    g.output(g.op("If", g.op("Equal", channels, g.const(1)), then_branch=yes,
                  else_branch=no), "y")
    golden("function-and-if", g, {"x": noise(1, 1, T)}, {"x": 2}, [2])


def lengths():
    g = Graph()  # no layer runs along time, and yet its length counts
    h = g.op("ReduceMean", g.input("x", 1, "time", 2), axes=[1], keepdims=0)
    g.output(g.op("Gemm", h, g.weights(2, 3), g.weights(3)), "y")
    golden("mean-over-time", g, {"x": noise(1, W, 2)}, {"x": 1}, [None],
           mode="window", window=W)

    g = Graph()  # bins of one frame are no time for the layers behind
    h = g.op("Transpose", g.input("x", 1, 1, 24), perm=[1, 0, 2])
    h = g.op("Squeeze", g.recurrent("LSTM", h, 24, 5)[0], g.const([1]))
    h = g.op("Squeeze", g.recurrent("LSTM", h, 5, 4)[0], g.const([1]))
    g.output(g.op("MatMul", h, g.weights(4, 24)), "y")
    golden("bins-of-a-frame", g, {"x": noise(1, 1, 24)}, {}, [None],
           mode="step")


    g = Graph()  # a pool as long as the graph's signal is no slow stream
    h = g.conv(g.input("x", 1, 1, T), 1, 3, 5, strides=[4])
    h = g.op("AveragePool", h, kernel_shape=[29], strides=[29])
    g.output(g.op("Flatten", h), "y")
    golden("pools-all", g, {"x": noise(1, 1, T)}, {"x": 2}, [None],
           mode="window")

    g = Graph()  # what is cut off in front is no multiple of the step
    h = g.op("ConvTranspose", g.input("x", 1, 2, W), g.weights(2, 3, 25),
             g.weights(3), strides=[4], pads=[11, 11], output_padding=[1])
    h = g.op("ConvTranspose", h, g.weights(3, 1, 5), g.weights(1),
             strides=[3], pads=[7, 2], dilations=[2])
    g.output(h, "y")
    golden("cut-in-front", g, {"x": noise(1, 2, W)}, {"x": 2}, [None],
           mode="window", ask="window")


MS = dict(domain="com.microsoft")


def optimised():
    """What ONNX Runtime makes of several operators."""
    g = Graph()
    x = g.input("x", 1, 2, "time")
    w = g.weights(4, 2, 3)
    h = g.op("FusedConv", x, w, g.weights(4), pads=[2, 0],
             activation="LeakyRelu", activation_params=[0.3], **MS)
    h = g.op("FusedConv", h, g.weights(4, 4, 3), g.weights(4), h,
             pads=[4, 0], dilations=[2], activation="Tanh", **MS)
    h = g.op("FusedConv", h, g.weights(4, 4, 1), activation="HardSigmoid",
             activation_params=[0.25, 0.4], **MS)
    h = g.op("FusedConv", h, g.weights(2, 4, 3), g.weights(2), pads=[2, 0],
             activation="Clip", activation_params=[0.0, 6.0], **MS)
    h = g.op("QuickGelu", g.op("Sub", h, g.const(np.float32(.5))), alpha=1.5,
             **MS)
    g.output(g.op("QuickGelu", h, alpha=1.0, **MS), "y")
    golden("fused-layers", g, {"x": noise(1, 2, T)}, {"x": 2}, [2])

    g = Graph()
    x = g.input("x", 1, 6)
    h = g.op("FusedGemm", x, g.weights(8, 6), g.weights(8), transB=1,
             activation="Elu", activation_alpha=0.7, **MS)
    h = g.op("FusedGemm", h, g.weights(8, 8), g.weights(8), alpha=0.5,
             activation="Relu", **MS)
    h = g.op("BiasGelu", h, g.weights(8), **MS)
    g.output(g.op("FastGelu", h, g.weights(8), **MS), "y")
    golden("fused-matrices", g, {"x": noise(1, 6)}, {}, [None], mode="step")

    g = Graph()
    x = g.input("x", 5, 6)
    a = g.op("FusedMatMul", x, g.weights(6, 4), alpha=0.3, **MS)
    b = g.op("FusedMatMul", x, g.weights(4, 6), transB=1, **MS)
    h = g.op("FusedMatMul", a, b, transB=1, alpha=0.5, **MS)
    g.output(g.op("FusedMatMul", a, h, transA=1, **MS), "y")
    golden("fused-products", g, {"x": noise(5, 6)}, {"x": 0}, [1],
           mode="window")

    g = Graph()  # nodes in any order, as tools that add some leave them
    h = g.op("Relu", g.conv(g.input("x", 1, 1, "time"), 1, 2, 3, pads=(2, 0)))
    g.output(g.op("Add", g.conv(h, 2, 2, 1), h), "y")
    g.nodes.reverse()
    golden("in-any-order", g, {"x": noise(1, 1, T)}, {"x": 2}, [2])


def bytes_of(g, *shape):
    return g.const(random.integers(-90, 91, shape).astype(np.int8))


def quantised():
    """Zeros in front stay zeros when they are quantised."""
    for kind in ("pairs", "operators"):
        g = Graph()
        x = g.input("x", 1, 1, "time")
        zero, none = g.const(np.uint8(117)), g.const(np.int8(0))
        scale, small = g.const(np.float32(.02)), g.const(np.float32(.00437))

        def pad(v, n, value):
            return g.op("Pad", v, g.const([0, 0, n, 0, 0, 0]), value)

        def taken(v):
            return g.op("DequantizeLinear", v, scale, zero)

        def put(v):
            return g.op("QuantizeLinear", v, scale, zero)

        def conv(v, inputs, outputs, dilation, n):
            w = bytes_of(g, outputs, inputs, 3)
            if kind == "operators":
                v = pad(v, n, zero) if n else v
                return g.op("QLinearConv", v, scale, zero, w, small, none,
                            scale, zero, dilations=[dilation])
            w = g.op("DequantizeLinear", w, small, none)
            v = taken(v)
            if n:
                v = taken(put(pad(v, n, g.const(np.float32(0)))))
            return put(g.op("Conv", v, w, dilations=[dilation]))

        h = conv(put(x), 1, 3, 1, 2)
        h = g.op("MaxPool", conv(h, 3, 4, 2, 4), kernel_shape=[1])
        a, b = g.op("Split", h, g.const([2, 2]), axis=1, count=2)
        h = g.op("Tanh", taken(conv(a, 2, 2, 4, 8)))
        g.output(g.op("Add", h, taken(b)), "y")
        golden(f"quantised-{kind}", g, {"x": noise(1, 1, T)}, {"x": 2}, [2])


def quantised_lstm():
    """As quantize_dynamic writes it; inputs and states are floats with us."""
    for kind, sides in (("stream", 1), ("both-ways", 2)):
        units, signed = 5, sides == 1
        t = "time" if sides == 1 else W
        b = noise(sides, 8 * units) / 4
        kinds = dict(direction="bidirectional") if sides == 2 else {}
        both, scaled = [], []
        for columns in (3, units):
            low, high = (-90, 91) if signed else (40, 220)
            w = random.integers(low, high, (sides, columns, 4 * units))
            w = w.astype(np.int8 if signed else np.uint8)
            z = np.full(sides, 0 if signed else 128, w.dtype)
            s = np.full(sides if not signed else (sides, 4 * units), .006,
                        np.float32)
            s *= 1 + random.random(s.shape).astype(np.float32) / 4
            both.append((w, s, z if not signed else np.zeros_like(s, w.dtype)))
            full = (w.astype(np.float32) - z.reshape(sides, 1, 1)
                    .astype(np.float32)) * s.reshape(sides, 1, -1)
            scaled.append(np.ascontiguousarray(full.transpose(0, 2, 1)))
        graphs = []
        for how in range(2):
            g = Graph()
            x = g.input("x", t, 1, 3)
            if how:
                h = g.op("LSTM", x, *map(g.const, scaled), g.const(b), count=3,
                         hidden_size=units, **kinds)
            else:
                rest = [g.const(v) for m in both for v in m[1:]]
                h = g.op("DynamicQuantizeLSTM", x, g.const(both[0][0]),
                         g.const(both[1][0]), g.const(b), "", "", "", "",
                         *rest, count=3, hidden_size=units, **kinds, **MS)
            h = g.op("Transpose", h[0], perm=[0, 2, 1, 3])
            h = g.op("Reshape", h, g.const([0, 0, -1]))
            g.output(g.op("Tanh", h), "y")
            graphs.append(g)
        golden(f"quantised-lstm-{kind}", graphs[0],
               {"x": noise(T if sides == 1 else W, 1, 3)}, {"x": 0}, [0],
               mode="stream" if sides == 1 else "window", truth=graphs[1],
               near=.03)


def fused_attention():
    g = Graph()  # self-attention with a mask, the keys before it and a bias
    x = g.input("x", 1, 8, 6)
    mask = g.const(np.array([[1] * 9 + [0] * 2], np.int32))
    past = g.const(noise(2, 1, 2, 3, 3))
    h, far = g.op("Attention", x, g.weights(6, 18), g.weights(18), mask, past,
                  count=2, num_heads=2, **MS)
    h = g.op("SkipLayerNormalization", h, x, g.weights(6), g.weights(6), **MS)
    h = g.op("Attention", h, g.weights(6, 18), g.weights(18), num_heads=3,
             unidirectional=1, **MS)
    h = g.op("Attention", h, g.weights(6, 16), g.weights(16), "", "",
             g.const(noise(1, 2, 8, 8)), num_heads=2, scale=0.4, qkv_hidden_sizes=[4, 4, 8], **MS)
    g.output(h, "y")
    g.output(g.op("Reshape", far, g.const([4, 33])), "present")
    golden("fused-attention", g, {"x": noise(1, 8, 6)}, {"x": 1}, [1, None],
           mode="window")

    g = Graph()  # queries, keys and values by themselves
    x = g.input("x", 1, 8, 6)
    q, k, v = (g.op("MatMul", x, g.weights(6, 6)) for _ in range(3))
    mask = g.const(np.array([5], np.int32))
    h = g.op("MultiHeadAttention", q, k, v, g.weights(18), mask,
             g.const(noise(1, 1, 8, 8)), num_heads=2, **MS)
    past = [g.const(noise(1, 2, 4, 3)) for _ in range(2)]
    h, *far = g.op("MultiHeadAttention", h, k, v, "", "", "", *past, count=3,
                   num_heads=2, unidirectional=1, **MS)
    g.output(h, "y")
    g.output(g.op("Add", *far), "present")
    golden("fused-heads", g, {"x": noise(1, 8, 6)}, {"x": 1}, [1, None],
           mode="window")


def followers():
    """States whose names do not say so; signals that look alike."""
    def graph(names):
        g = Graph()
        u = g.input("u", 1, 3)
        a, b = g.input(names[0], 1, 4), g.input(names[1], 1, 2)
        a = g.op("Tanh", g.op("Add", g.op("MatMul", u, g.weights(3, 4)), a))
        b = g.op("Add", g.op("MatMul", a, g.weights(4, 2)), b)
        y = g.op("MatMul", g.op("Concat", a, b, axis=1), g.weights(6, 3))
        g.output(y, "y")
        g.output(a, names[2], 1, 4)
        g.output(b, names[3], 1, 2)
        return g

    def zeros(*names):
        return {n: np.zeros((1, 4 - 2 * i), np.float32)
                for i, n in enumerate(names)}

    golden("followers", graph(("r", "x", "r_out", "new_x")),
           {"u": noise(1, 3), **zeros("r", "x")}, {}, [None], mode="step",
           skip_inputs=("r", "x"), outputs=["y"])
    golden("no-followers", graph(("audio", "gain", "audio_out", "level")),
           {"u": noise(1, 3), **zeros("audio", "gain")}, {}, [None] * 3,
           mode="step")

    g = Graph()  # names that no file can have, the same in front
    x = g.input("x", 1, 3)
    for end in ("one", "two"):
        g.output(g.op("MatMul", x, g.weights(3, 2)), "y" * 260 + end)
    golden("long-name", g, {"x": noise(1, 3)}, {}, [None] * 2, mode="step")


def between():
    """Time between other axes; whole.npy is x in the graph's own shape."""
    g = Graph()
    x = g.input("x", 1, 2, W, 3)
    h = g.op("Reshape", g.op("Transpose", x, perm=[2, 0, 1, 3]),
             g.const([W, 1, 6]))
    h, *_ = g.recurrent("GRU", h, 6, 3, direction="bidirectional",
                        linear_before_reset=1)
    h = g.op("Transpose", g.op("Reshape", h, g.const([W, 1, 2, 3])),
             perm=[1, 2, 0, 3])
    g.output(h, "y")
    data = noise(1, 2, W, 3)
    golden("time-between", g, {"x": data}, {"x": 2}, [2], mode="window")
    np.save(os.path.join(HERE, "time-between", "whole.npy"), data)


def rows():
    """Sounds as images of one row, as converters from TensorFlow have them."""
    g = Graph()
    x = g.input("x", 1, T, 2)
    h = g.op("Transpose", g.op("Unsqueeze", x, g.const([1])), perm=[0, 3, 1, 2])
    h = g.op("Relu", g.op("Conv", h, g.weights(4, 2, 1, 5), g.weights(4),
                          strides=[1, 2], pads=[0, 1, 0, 2]))
    h = g.op("ConvTranspose", h, g.weights(4, 3, 1, 4), g.weights(3),
             strides=[1, 2], pads=[0, 1, 0, 1])
    h = g.op("Transpose", h, perm=[0, 2, 3, 1])
    g.output(g.op("Squeeze", h, g.const([1])), "y")
    golden("one-row", g, {"x": noise(1, T, 2)}, {"x": 1}, [1], latency=4)


shutil.rmtree(HERE, ignore_errors=True)
os.makedirs(HERE)
streams("time", "time")
streams("fixed", T)
windows()
steps()
lengths()
optimised()
quantised()
quantised_lstm()
fused_attention()
followers()
between()
rows()
with open(os.path.join(HERE, "list.txt"), "w") as f:
    f.write("\n".join(lines) + "\n")
