"""What ONNX Runtime takes for the same networks, for `make bench`.

Prints "NAME BLOCK NANOSECONDS", a frame each: one thread, states fed back,
inputs and outputs bound once. What a call costs by itself (measured with a
model that only copies) is subtracted: it is Python's, mostly. Needs numpy, onnx
and onnxruntime.
"""

import statistics
import sys
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(1)


def weights(name, *shape):
    """A random constant of a usual size."""
    scale = 1.2 / np.sqrt(shape[-1])
    values = random.uniform(-scale, scale, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def port(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def model(nodes, inputs, outputs, constants):
    graph = helper.make_graph(nodes, "bench", inputs, outputs, constants)
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()


def recurrent(kind, units, block):
    """x, h (and c) to y, h (and c), and a dense layer."""
    gates = {"LSTM": 4, "GRU": 3}[kind]
    states = ["h", "c"][:gates - 2]
    options = {"linear_before_reset": 1} if kind == "GRU" else {}
    nodes = [
        helper.make_node(
            kind, ["x", "w", "r", "b", ""] + [s + "_in" for s in states],
            ["all"] + [s + "_out" for s in states],
            hidden_size=units, **options),
        helper.make_node("Reshape", ["all", "shape"], ["rows"]),
        helper.make_node("Gemm", ["rows", "dense", "bias"], ["y"], transB=1),
    ]
    constants = [
        weights("w", 1, gates * units, 1),
        weights("r", 1, gates * units, units),
        weights("b", 1, 2 * gates * units),
        weights("dense", 1, units),
        weights("bias", 1),
        numpy_helper.from_array(np.array([block, units]), "shape"),
    ]
    kept = [(s + "_in", s + "_out", (1, 1, units)) for s in states]
    return nodes, [("x", (block, 1, 1))], [("y", (block, 1))], kept, constants


def mlp(ends, hidden, block):
    sizes = [ends, hidden, hidden, ends]
    nodes, constants, name = [], [], "x"
    for i in range(3):
        constants += [weights(f"w{i}", sizes[i + 1], sizes[i]),
                      weights(f"b{i}", sizes[i + 1])]
        to = "y" if i == 2 else f"dense{i}"
        nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [to],
                                      transB=1))
        if i < 2:
            nodes.append(helper.make_node("Tanh", [to], [f"tanh{i}"]))
            name = f"tanh{i}"
    return (nodes, [("x", (block, ends))], [("y", (block, ends))], [],
            constants)


def conv_stack(channels, block):
    nodes, constants, kept, name, width = [], [], [], "x", 1
    for i in range(10):
        past = 2 << i
        constants += [weights(f"w{i}", channels, width, 3),
                      weights(f"b{i}", channels),
                      numpy_helper.from_array(np.array([-past]), f"from{i}"),
                      numpy_helper.from_array(np.array([1 << 40]), f"to{i}")]
        nodes += [
            helper.make_node("Concat", [f"s{i}", name], [f"long{i}"], axis=2),
            helper.make_node("Slice", [f"long{i}", f"from{i}", f"to{i}",
                                       "axis"], [f"s{i}_out"]),
            helper.make_node("Conv", [f"long{i}", f"w{i}", f"b{i}"],
                             [f"conv{i}"], dilations=[1 << i],
                             kernel_shape=[3]),
            helper.make_node("Tanh", [f"conv{i}"], [f"tanh{i}"]),
        ]
        kept.append((f"s{i}", f"s{i}_out", (1, width, past)))
        name, width = f"tanh{i}", channels
    constants += [weights("last", 1, channels, 1), weights("bias", 1),
                  numpy_helper.from_array(np.array([2]), "axis")]
    nodes.append(helper.make_node("Conv", [name, "last", "bias"], ["y"],
                                  kernel_shape=[1]))
    return (nodes, [("x", (1, 1, block))], [("y", (1, 1, block))], kept,
            constants)


def session(parts):
    """A session and two bindings that hand the states to and fro."""
    nodes, inputs, outputs, kept, constants = parts
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    made = onnxruntime.InferenceSession(
        model(nodes,
              [port(n, s) for n, s in inputs] + [port(i, s) for i, _, s in kept],
              [port(n, s) for n, s in outputs] + [port(o, s)
                                                  for _, o, s in kept],
              constants),
        options, providers=["CPUExecutionProvider"])

    def value(shape):
        return onnxruntime.OrtValue.ortvalue_from_numpy(
            random.uniform(-0.5, 0.5, shape).astype(np.float32))

    states = [[value(s) for _, _, s in kept] for _ in range(2)]
    bindings = []
    for turn in range(2):
        binding = made.io_binding()
        for n, s in inputs:
            binding.bind_ortvalue_input(n, value(s))
        for n, s in outputs:
            binding.bind_ortvalue_output(n, value(s))
        for k, (before, after, _) in enumerate(kept):
            binding.bind_ortvalue_input(before, states[turn][k])
            binding.bind_ortvalue_output(after, states[1 - turn][k])
        bindings.append(binding)
    return made, bindings


def call_time(parts):
    """Nanoseconds a call: of short rounds the lower quarter, undisturbed."""
    made, bindings = session(parts)
    run, rounds, calls = made.run_with_iobinding, [], 2
    for _ in range(150):
        start = time.perf_counter_ns()
        for _ in range(calls):
            run(bindings[0])
            run(bindings[1])
        rounds.append((time.perf_counter_ns() - start) / calls / 2)
    return statistics.quantiles(rounds[10:], n=4)[0]


def main():
    nothing = call_time(([helper.make_node("Identity", ["x"], ["y"])],
                         [("x", (1, 1))], [("y", (1, 1))], [], []))
    for block in (64, 16):
        for units in (8, 16, 40):
            for kind in ("LSTM", "GRU"):
                time_taken = call_time(recurrent(kind, units, block)) - nothing
                print(f"{kind.lower()}-{units}", block, time_taken / block)
        print("conv-stack-16", block,
              (call_time(conv_stack(16, block)) - nothing) / block)
    for ends, hidden in ((4, 64), (8, 128)):
        print(f"mlp-{ends}-{hidden}-{hidden}-{ends}", 1,
              call_time(mlp(ends, hidden, 1)) - nothing)
    print("version", 0, onnxruntime.__version__)


if __name__ == "__main__":
    sys.exit(main())
