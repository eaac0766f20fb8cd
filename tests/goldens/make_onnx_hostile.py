"""Small files that ask for much: memory and time have to stay bounded.

    python3 make_onnx_hostile.py
"""
import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx-hostile")
node = helper.make_node


def const(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def ints(*values):
    return np.array(values, np.int64)


def port(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def save(name, nodes, constants=(), inputs=(("x", [1, 4]),), last="y"):
    graph = helper.make_graph(
        nodes, name, [port(*i) for i in inputs], [port(last, None)],
        list(constants))
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    with open(os.path.join(HERE, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString())


def added(last):
    """What keeps a constant alive."""
    return [node("ReduceSum", [last], ["sum"]), node("Add", ["x", "sum"], ["y"])]


os.makedirs(HERE, exist_ok=True)
# Ports: a record for each channel.
save("wide-output", [node("Tile", ["x", "r"], ["y"])],
     [const("r", ints(1 << 13, 1 << 12))])
save("wide-input", [node("Relu", ["x"], ["y"])], inputs=[("x", [1, 1 << 26])])
# Constants that take long.
save("powers",
     [node("ConstantOfShape", ["s"], ["k0"])] +
     [node("Pow", ["k%d" % i, "k%d" % i], ["k%d" % (i + 1)])
      for i in range(60)] + added("k60"),
     [const("s", ints(1 << 18))], [("x", list("abcdefgh"))])
save("products",
     [node("ConstantOfShape", ["s"], ["k"])] +
     [node("MatMul", ["k" if i == 0 else "k%d" % i, "k"], ["k%d" % (i + 1)])
      for i in range(40)] + added("k40"), [const("s", ints(1024, 1024))])
save("prime-transform",
     [node("ConstantOfShape", ["s"], ["k"]), node("DFT", ["k"], ["t"])] +
     added("t"), [const("s", ints(1, 524287, 1))])
body = helper.make_graph(
    [node("Identity", ["go"], ["going"]), node("Softmax", ["v"], ["w"])], "body",
    [port("i", [], TensorProto.INT64), port("go", [], TensorProto.BOOL),
     port("v", [1, 4])],
    [port("going", [], TensorProto.BOOL), port("w", [1, 4])])
save("rounds",
     [node("ConstantOfShape", ["s"], ["k"]),
      node("Loop", ["m", "go", "k"], ["t"], body=body)] + added("t"),
     [const("m", np.int64(10000)), const("go", np.bool_(True)),
      const("s", ints(1 << 14))])
# A convolution along time, of many rows: each would be a layer.
save("many-rows", [node("Conv", ["x", "w"], ["y"])],
     [const("w", np.ones((1, 1, 3), np.float32))], [("x", [100, 1, "time"])])
# A range beyond what 64 bits count.
save("range-overflow",
     [node("Range", ["a", "b", "c"], ["k"]),
      node("Cast", ["k"], ["f"], to=TensorProto.FLOAT)] + added("f"),
     [const("a", np.int64(-2**63)), const("b", np.int64(2**63 - 1)),
      const("c", np.int64(5 * 10**18))])


def rounds(name, nodes, shape, constants=()):
    """A loop over a constant that a few numbers made."""
    inside = helper.make_graph(
        [node("Identity", ["go"], ["going"])] + nodes, "body",
        [port("i", [], TensorProto.INT64), port("go", [], TensorProto.BOOL),
         port("v", None)],
        [port("going", [], TensorProto.BOOL), port("w", None)])
    save(name, [node("ConstantOfShape", ["s"], ["k"]),
                node("Loop", ["m", "go", "k"], ["t"], body=inside)] + added("t"),
         [const("m", np.int64(10000)), const("go", np.bool_(True)),
          const("s", ints(*shape))] + list(constants))


# What costs more than it looks, again and again.
rounds("round-sorts", [node("TopK", ["v", "kk"], ["w", ""])], [1 << 14],
       [const("kk", ints(1 << 14))])
rounds("round-transposes", [node("Transpose", ["v"], ["w"], perm=[1, 0])],
       [1024, 512])
rounds("round-sums", [node("CumSum", ["v", "ax"], ["w"])], [1 << 14],
       [const("ax", np.int64(0))])
# One of so many.
save("deep-one-hot", [node("OneHot", ["i", "d", "v"], ["t"])] + added("t"),
     [const("i", ints(3)), const("d", ints(1 << 24)),
      const("v", np.array([0, 1], np.float32))])
# Layers that look back so far that their states are gigabytes.
save("far-back",
     [node("Conv", ["x" if i == 0 else "c%d" % i, "w"], ["c%d" % (i + 1)],
           dilations=[1 << 19], pads=[1 << 20, 0]) for i in range(32)],
     [const("w", np.ones((16, 16, 3), np.float32))], [("x", [1, 16, "t"])],
     "c32")
