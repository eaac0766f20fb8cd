"""Models of single operators that the converter does not write, or not any
more, and what their operators were not compared with otherwise."""
import io
import zipfile

import flatbuffers
import numpy as np
from build import Builder

rng = np.random.default_rng(5)


def normal(*shape):
    return rng.normal(0, 0.4, shape).astype(np.float32)


def dilated(depthwise, kind):
    """Blocks as batches, a convolution, and back: a dilated convolution."""
    b = Builder()
    outputs = 3 if depthwise else 4
    q = {"scale": 0.05, "zero": -7} if kind == "int8" else {}
    w = normal(*((1, 1, 3, 3) if depthwise else (4, 1, 3, 3)))
    each = {}
    bias = normal(outputs)
    if kind == "int8":
        each = {"scale": np.full(outputs, 0.01)}
        w = np.clip(np.round(w / 0.01), -127, 127)
        bias = np.round(bias / 0.0005)
    k = b.tensor(w.shape, kind, w, axis=3 if depthwise else 0, **each)
    if each:
        each["scale"] = np.full(outputs, 0.0005)
    bias = b.tensor(bias.shape, "int32" if each else kind, bias, **each)
    first = x = b.tensor((1, 10, 3))
    if q:
        x = b.op("QUANTIZE", [x], b.tensor((1, 10, 3), kind, **q))
    x = b.op("SPACE_TO_BATCH_ND", [x, b.ints([2]), b.ints([[4, 0]])],
             b.tensor((2, 7, 3), kind, **q), version=2)
    x = b.op("EXPAND_DIMS", [x, b.ints(1)],
             b.tensor((2, 1, 7, 3), kind, **q))
    y = b.tensor((2, 1, 5, outputs), kind, **q)
    settings = {"padding": 1, "strideW": 1, "strideH": 1,
                "dilationWFactor": 1, "dilationHFactor": 1}
    if depthwise:
        b.op("DEPTHWISE_CONV_2D", [x, k, bias], y, "DepthwiseConv2DOptions",
             version=3, depthMultiplier=1, **settings)
    else:
        b.op("CONV_2D", [x, k, bias], y, "Conv2DOptions", version=3,
             **settings)
    x = b.op("SQUEEZE", [y], b.tensor((2, 5, outputs), kind, **q),
             "SqueezeOptions", squeezeDims=[1])
    x = b.op("BATCH_TO_SPACE_ND", [x, b.ints([2]), b.ints([[0, 1]])],
             b.tensor((1, 9, outputs), kind, **q), version=2)
    if q:
        x = b.op("DEQUANTIZE", [x], b.tensor((1, 9, outputs)), version=2)
    return b.file([first], [x])


def blocks():
    """Blocks of two axes as batches; back, these of other sizes."""
    b = Builder()
    x = b.tensor((1, 3, 4, 2))
    y = b.op("SPACE_TO_BATCH_ND",
             [x, b.ints([2, 3]), b.ints([[0, 1], [1, 1]])],
             b.tensor((6, 2, 2, 2)))
    z = b.op("BATCH_TO_SPACE_ND",
             [y, b.ints([3, 2]), b.ints([[1, 0], [0, 2]])],
             b.tensor((1, 5, 2, 2)))
    return b.file([x], [y, z])


def picking():
    """ONE_HOT, EMBEDDING_LOOKUP, GATHER with batch axes, GATHER_ND."""
    b = Builder()
    index, x = b.tensor((2, 3), "int32"), b.tensor((2, 4, 3))
    hot = b.op("ONE_HOT", [index, b.ints(4), b.constant(2.5),
                           b.constant(-0.5)], b.tensor((2, 4, 3)),
               "OneHotOptions", axis=1)
    flat = b.op("RESHAPE", [index, b.ints([6])], b.tensor((6,), "int32"))
    table = b.op("EMBEDDING_LOOKUP", [flat, b.constant(normal(4, 2, 3))],
                 b.tensor((6, 2, 3)))
    rows = b.op("GATHER", [x, index], b.tensor((2, 3, 3)), "GatherOptions",
                version=5, axis=1, batchDims=1)
    turned = b.op("TRANSPOSE", [x, b.ints([0, 2, 1])], b.tensor((2, 3, 4)))
    columns = b.op("GATHER", [turned, index], b.tensor((2, 3, 3)),
                   "GatherOptions", version=5, axis=2, batchDims=1)
    batch = b.constant([[[0], [0], [1]], [[1], [1], [0]]], "int32")
    column = b.op("RESHAPE", [index, b.ints([2, 3, 1])],
                  b.tensor((2, 3, 1), "int32"))
    pairs = b.op("CONCATENATION", [batch, column],
                 b.tensor((2, 3, 2), "int32"), "ConcatenationOptions", axis=2)
    nd = b.op("GATHER_ND", [x, pairs], b.tensor((2, 3, 3)))
    return b.file([index, x], [hot, table, rows, columns, nd])


def where():
    """Places of a constant condition, gathered from the input."""
    b = Builder()
    x = b.tensor((3, 2))
    condition = b.constant([[1, 0], [0, 1], [1, 1]], "bool")
    places = b.op("WHERE", [condition], b.tensor((4, 2), "int64"))
    return b.file([x], [b.op("GATHER_ND", [x, places], b.tensor((4,)))])


def root_mean_square():
    b = Builder()
    x = b.tensor((1, 5, 4, 2))
    settings = {"strideW": 1, "strideH": 2, "filterWidth": 2,
                "filterHeight": 3}
    y = b.op("L2_POOL_2D", [x], b.tensor((1, 3, 4, 2)), "Pool2DOptions",
             padding=0, **settings)
    z = b.op("L2_POOL_2D", [x], b.tensor((1, 2, 3, 2)), "Pool2DOptions",
             padding=1, fusedActivationFunction=3, **settings)
    return b.file([x], [y, z])


def lstm_operands(b, inputs, units, outputs, *, peephole, coupled, first=0):
    """Weights and biases of one direction."""
    w = [b.constant(normal(units, inputs)) for _ in range(4)]
    u = [b.constant(normal(units, outputs)) for _ in range(4)]
    p = [b.constant(normal(units)) if peephole else -1 for _ in range(3)]
    c = [b.constant(normal(units)) for _ in range(4)]
    if coupled:
        w[0] = u[0] = p[0] = c[0] = -1
    project = [-1, -1]
    if outputs != units:
        project = [b.constant(normal(outputs, units)),
                   b.constant(normal(outputs))]
    return w + u + p + c + project


def lstm(*, peephole=False, outputs=4, coupled=False, normalised=False,
         clip=0.0, project_clip=0.0):
    b = Builder()
    x = b.tensor((1, 5, 3))
    operands = lstm_operands(b, 3, 4, outputs, peephole=peephole,
                             coupled=coupled)
    states = [b.tensor((1, outputs), variable=True),
              b.tensor((1, 4), variable=True)]
    norm = []
    if normalised:
        norm = [b.constant(1 + normal(4)) for _ in range(4)]
        if coupled:
            norm[0] = -1
    y = b.op("UNIDIRECTIONAL_SEQUENCE_LSTM", [x] + operands + states + norm,
             b.tensor((1, 5, outputs)), "UnidirectionalSequenceLSTMOptions",
             fusedActivationFunction=4, cellClip=clip, projClip=project_clip)
    return b.file([x], [y])


def both_ways(*, peephole, outputs, merge):
    b = Builder()
    x = b.tensor((1, 5, 3))
    operands = []
    for _ in range(2):
        operands += lstm_operands(b, 3, 4, outputs, peephole=peephole,
                                  coupled=False)
    states = [b.tensor((1, n), variable=True)
              for n in (outputs, 4, outputs, 4)]
    y = [b.tensor((1, 5, outputs * (2 if merge else 1)))]
    if not merge:
        y.append(b.tensor((1, 5, outputs)))
    b.op("BIDIRECTIONAL_SEQUENCE_LSTM", [x] + operands + states + [-1] * 9, y,
         "BidirectionalSequenceLSTMOptions", fusedActivationFunction=4,
         cellClip=0.0, projClip=0.0, mergeOutputs=merge,
         timeMajor=False)
    return b.file([x], y)


def lstm_of_bytes():
    """Matrices of 64 rows in 8 bits, most of them the same."""
    b = Builder()
    x = b.tensor((1, 2, 64))
    w = [b.tensor((64, 64), "int8", rng.integers(-127, 128, (64, 64)),
                  scale=0.001) for _ in range(2)]
    bias = b.constant(normal(64))
    states = [b.tensor((1, 64), variable=True) for _ in range(2)]
    y = b.op("UNIDIRECTIONAL_SEQUENCE_LSTM",
             [x] + w + [w[1]] * 6 + [-1] * 3 + [bias] * 4 + [-1] * 2 + states,
             b.tensor((1, 2, 64)), "UnidirectionalSequenceLSTMOptions",
             fusedActivationFunction=4, cellClip=0.0, projClip=0.0)
    return b.file([x], [y])


def table(b, **slots):
    """A FlatBuffers table of offsets, and of bytes where the value is one."""
    b.StartObject(8)
    for slot, value in slots.items():
        if isinstance(value, bytes):
            b.PrependInt8Slot(int(slot[1:]), value[0], 0)
        else:
            b.PrependUOffsetTRelativeSlot(int(slot[1:]), value, 0)
    return b.EndObject()


def vector(b, *items):
    b.StartVector(4, len(items), 4)
    for i in reversed(items):
        b.PrependUOffsetTRelative(i)
    return b.EndVector()


def label_metadata():
    """That the first output's axis has the labels of labels.txt."""
    b = flatbuffers.Builder(256)
    files = []
    for name, kind in (("about.txt", 1), ("labels.txt", 2)):
        text = b.CreateString(name)
        files.append(table(b, s0=text, s2=bytes([kind])))
    port = table(b, s6=vector(b, *files))
    graph = table(b, s3=vector(b, port))
    b.Finish(table(b, s3=vector(b, graph)), b"M001")
    return bytes(b.Output())


def labelled(inside):
    """Files behind a model; their places are counted from its beginning or
    from the archive's own."""
    b = Builder()
    x = b.tensor((1, 3))
    y = b.op("SOFTMAX", [x], b.tensor((1, 3)), "SoftmaxOptions", beta=1.0)
    b.metadata("TFLITE_METADATA", label_metadata())
    archive = io.BytesIO(b.file([x], [y]) if inside else b"")
    with zipfile.ZipFile(archive, "a") as z:
        for name, text in (("about.txt", "no\nlabels\nthese\n"),
                           ("labels.txt", "clap\r\nhi-hat\nno sound\n")):
            z.writestr(zipfile.ZipInfo(name), text)
    return archive.getvalue() if inside else (
        b.file([x], [y]) + archive.getvalue())


def models():
    yield "labels_inside", labelled(True)
    yield "labels_behind", labelled(False)
    yield "dilated_float", dilated(False, "float32")
    yield "dilated_depthwise", dilated(True, "float32")
    yield "dilated_int8", dilated(False, "int8")
    yield "blocks_float", blocks()
    yield "picking_float", picking()
    yield "where_float", where()
    yield "l2pool_float", root_mean_square()
    yield "lstm_peephole", lstm(peephole=True, clip=0.3)
    yield "lstm_projection", lstm(outputs=2, project_clip=0.4)
    yield "lstm_normalised", lstm(normalised=True, peephole=True, outputs=3)
    yield "lstm_coupled", lstm(coupled=True, normalised=True)
    yield "bilstm_float", both_ways(peephole=False, outputs=4, merge=True)
    yield "bilstm_projection", both_ways(peephole=True, outputs=2, merge=False)
    yield "lstm_bytes", lstm_of_bytes()
