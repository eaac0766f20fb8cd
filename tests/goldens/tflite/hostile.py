"""Small files that ask for much: memory and time have to stay bounded.

    python3 hostile.py
"""
import os

import numpy as np

from build import Builder, schema

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "..", "tflite-hostile")


def save(name, grow):
    """x [1, 4] and the mean of what grows from constants."""
    b = Builder()
    x = b.tensor((1, 4))
    last = grow(b)
    mean = b.op("MEAN", [last, b.ints(range(len(b.graph.tensors[last].shape)))],
                b.tensor(()), "ReducerOptions")
    y = b.op("ADD", [x, mean], b.tensor((1, 4)), "AddOptions")
    with open(os.path.join(HERE, name + ".tflite"), "wb") as f:
        f.write(b.file([x], [y]))


def filled(b, *shape, value=1.01):
    return b.op("FILL", [b.ints(shape), b.constant(np.float32(value))],
                b.tensor(shape), "FillOptions")


def again(shape, times, step):
    def grow(b):
        k = filled(b, *shape)
        for _ in range(times):
            k = step(b, k, b.tensor(b.graph.tensors[k].shape))
        return k
    return grow


def loop(shape, rounds, step):
    """`rounds` times round, over a constant as large as ever is computed."""
    def grow(b):
        k = filled(b, *shape)
        main, n = b.graph, b.ints(0)
        for body in range(2):
            b.graph = schema.SubGraphT()
            b.graph.tensors, b.graph.operators = [], []
            b.model.subgraphs.append(b.graph)
            i, v = b.tensor((), "int32"), b.tensor(shape)
            if body:
                out = [b.op("ADD", [i, b.ints(1)], b.tensor((), "int32"),
                            "AddOptions"), step(b, v, b.tensor(shape))]
            else:
                out = [b.op("LESS", [i, b.ints(rounds)], b.tensor((), "bool"),
                            "LessOptions")]
            b.graph.inputs, b.graph.outputs = [i, v], out
        b.graph = main
        out = [b.tensor((), "int32"), b.tensor(shape)]
        b.op("WHILE", [n, k], out, "WhileOptions", condSubgraphIndex=1,
             bodySubgraphIndex=2)
        return out[1]
    return grow


def power(b, x, y):
    return b.op("POW", [x, x], y, "PowOptions")


def product(b, x, y):
    return b.op("BATCH_MATMUL", [x, x], y, "BatchMatMulOptions")


def softmax(b, x, y):
    return b.op("SOFTMAX", [x], y, "SoftmaxOptions", beta=1.0)


def sums(b, x, y):
    return b.op("CUMSUM", [x, b.ints(0)], y, "CumsumOptions")


def transpose(b, x, y):
    return b.op("TRANSPOSE", [x, b.ints([1, 0])], y, "TransposeOptions")


def sort(b, x, y):
    places = b.tensor(b.graph.tensors[x].shape, "int32")
    n = b.ints(b.graph.tensors[x].shape[-1])
    b.op("TOPK_V2", [x, n], [y, places], "TopKV2Options")
    return y


def wide(b):
    return b.op("TILE", [filled(b, 1), b.ints([1 << 30])],
                b.tensor((1 << 30,)), "TileOptions")


def hot(b):
    return b.op("ONE_HOT", [b.ints([3]), b.ints(1 << 28), b.constant(
        np.float32(1)), b.constant(np.float32(0))], b.tensor((1, 1 << 28)),
        "OneHotOptions", axis=-1)


def counted(b):
    k = b.op("RANGE", [b.ints(0), b.ints(2**31 - 1), b.ints(1)],
             b.tensor((2**31 - 1,), "int32"), "RangeOptions")
    return b.op("CAST", [k], b.tensor((2**31 - 1,)), "CastOptions",
                inDataType=2, outDataType=0)


def taps(b):
    """A kernel of zeros as far as the sides are long."""
    x = filled(b, 1, 512, 512, 1)
    w = filled(b, 1, 512, 512, 1)
    return b.op("CONV_2D", [x, w], b.tensor((1, 512, 512, 1)), "Conv2DOptions",
                padding=0, strideW=1, strideH=1, dilationWFactor=1,
                dilationHFactor=1)


os.makedirs(HERE, exist_ok=True)
save("powers", again((1 << 18,), 60, power))
save("products", again((512, 512), 40, product))
save("round-powers", loop((1 << 12,), 100000, power))
save("round-softmax", loop((1 << 12,), 10000, softmax))
save("round-sums", loop((1 << 12,), 10000, sums))
save("round-transposes", loop((64, 64), 10000, transpose))
save("round-sorts", loop((1 << 12,), 10000, sort))
save("round-numbers", loop((1,), 200000, softmax))
save("wide", wide)
save("deep-one-hot", hot)
save("range", counted)
save("many-taps", taps)
