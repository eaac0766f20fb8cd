"""Operators in whole numbers whose bits are in question: functions of 16-bit
numbers, recurrent layers."""
import numpy as np
from build import Builder


def functions():
    """int16; the steps of 1/4096 are those of the logistic function."""
    b = Builder()
    shape, step = (1, 40), 2.0**-12
    x = b.tensor(shape, "int16", scale=step)

    def op(name, scale, *more, x=x, **settings):
        y = b.tensor(shape, "int16", scale=scale)
        return b.op(name, [x], y, *more, **settings)

    positive = op("LOGISTIC", 2.0**-15)
    return b.file([x], [
        positive, op("TANH", 2.0**-15), op("EXP", 20 / 32768),
        op("LOG", 7 / 32768), op("RSQRT", 9 / 32768, x=positive),
        op("ABS", 1.3 * step),
        op("LEAKY_RELU", 0.9 * step, "LeakyReluOptions", alpha=0.3)])


def softmax():
    b = Builder()
    x = b.tensor((2, 37), "int16", scale=3e-4)
    y = b.tensor((2, 37), "int16", scale=2.0**-15)
    return b.file([x], [b.op("SOFTMAX", [x], y, "SoftmaxOptions", beta=1.0)])


def resize(kind, zero):
    b = Builder()
    x = b.tensor((1, 4, 3, 2), kind, scale=0.02, zero=zero)
    y = b.tensor((1, 7, 5, 2), kind, scale=0.02, zero=zero)
    return b.file([x], [b.op(
        "RESIZE_BILINEAR", [x, b.ints([7, 5])], y, "ResizeBilinearOptions",
        version=3, halfPixelCenters=True)])


def divide():
    b = Builder()
    x = b.tensor((1, 60), "int8", scale=0.03, zero=3)
    y = b.tensor((1, 60), "int8", scale=0.02, zero=-128)
    z = b.tensor((1, 60), "int8", scale=0.05, zero=-7)
    b.op("DIV", [x, b.op("ABS", [x], y)], z, "DivOptions")
    return b.file([x], [z])


def lstm():
    """Two layers; in the second, the cell has more bits in front."""
    b = Builder()
    rng = np.random.default_rng(6)
    inputs, units, hidden = 3, 6, {"scale": 0.0073, "zero": -2}
    scale, zero = 0.02, 5
    first = x = b.tensor((1, 4, inputs), "int8", scale=scale, zero=zero)
    for power, clip in ((-11, 10.0), (-10, 0.0)):
        def matrix(columns):
            w = b.tensor((units, columns), "int8",
                         rng.integers(-127, 128, (units, columns)),
                         scale=rng.uniform(1, 2) / 127)
            return w
        w = [matrix(inputs) for _ in range(4)]
        u = [matrix(units) for _ in range(4)]
        bias = [b.tensor((units,), "int32", rng.integers(-2000, 2000, units),
                         scale=1e-4) for _ in range(4)]
        h = b.tensor((1, units), "int8", variable=True, **hidden)
        c = b.tensor((1, units), "int16", variable=True, scale=2.0**power)
        y = b.tensor((1, 4, units), "int8", **hidden)
        b.op("UNIDIRECTIONAL_SEQUENCE_LSTM",
             [x, *w, *u, -1, -1, -1, *bias, -1, -1, h, c, -1, -1, -1, -1], y,
             "UnidirectionalSequenceLSTMOptions", version=3,
             fusedActivationFunction=4, cellClip=clip)
        b.graph.operators[-1].intermediates = [
            b.tensor((), "int16", scale=2.0**-12) for _ in range(4)] + [
            b.tensor((), "int8", **hidden)]
        x, inputs = y, units
    return b.file([first], [x])


def wide():
    """Sums beyond 2^24, of which the output has the last bits."""
    b = Builder()
    rng = np.random.default_rng(7)
    x = b.tensor((1, 256), "int16", scale=1e-4)
    w = b.tensor((48, 256), "int8", rng.integers(-127, 128, (48, 256)),
                 scale=0.01)
    c = b.tensor((48,), "int64", rng.integers(-2**25, 2**25, 48), scale=1e-6)
    y = b.tensor((1, 48), "int16", scale=96e-6)
    return b.file([x], [b.op("FULLY_CONNECTED", [x, w, c], y,
                             "FullyConnectedOptions", version=4)])


def sums(kind, zero):
    b = Builder()
    x = b.tensor((1, 40, 8), kind, scale=0.03, zero=zero)
    y = b.tensor((1, 40), kind, scale=0.07, zero=-zero)
    return b.file([x], [b.op("SUM", [x, b.ints([2])], y, "ReducerOptions")])


def models():
    yield "wide_int16", wide()
    yield "sum_int8", sums("int8", 5)
    yield "sum_int16", sums("int16", 0)
    yield "functions_int16", functions()
    yield "softmax_int16", softmax()
    yield "resize_int8", resize("int8", -9)
    yield "resize_int16", resize("int16", 0)
    yield "divide_int8", divide()
    yield "lstm_int8", lstm()
