"""Small TensorFlow Lite models and what TensorFlow Lite answers.

    python3 make.py        (tensorflow 2.21, keras 3; writes beside itself)
    python3 make.py later       only the second half of them
    python3 make.py halves      only those of dynamic ranges met halfway
    python3 make.py NAME...     only these of operators.py and integers.py

NAME.tflite with NAME.in.npy [runs, inputs] and NAME.out.npy [runs, outputs],
both real numbers: one row a run, states go on from run to run. Quantised models
are answered by the reference kernels.
"""
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import integers  # noqa: E402
import operators  # noqa: E402
from keras import layers as L  # noqa: E402

HERE = pathlib.Path(__file__).parent
RUNS = 6
rng = np.random.default_rng(7)
keras.utils.set_random_seed(7)
INT16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def convert(functions, owner, shapes, kind):
    c = tf.lite.TFLiteConverter.from_concrete_functions(functions, owner)
    c.experimental_enable_resource_variables = True

    def samples():
        for _ in range(40):
            yield [rng.normal(0, 1, s).astype(np.float32) for s in shapes]

    if kind != "float":
        c.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind in ("int8", "int16"):
        c.representative_dataset = samples
        c._experimental_variable_quantization = True
        c.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8 if kind == "int8" else INT16]
        c.inference_input_type = c.inference_output_type = (
            tf.int8 if kind == "int8" else tf.int16)
    return c.convert()


def answer(name, model, rng=rng):
    resolver = tf.lite.experimental.OpResolverType
    it = tf.lite.Interpreter(
        model_content=model, experimental_op_resolver_type=resolver.BUILTIN_REF
        if not name.startswith("sum_") else  # whose reference is no sum
        resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    it.allocate_tensors()
    rows, answers = [], []
    for _ in range(RUNS):
        row, out = [], []
        for d in it.get_input_details():
            x = rng.normal(0, 1, d["shape"]).astype(np.float32)
            if name.startswith("halves"):
                x = between_steps(rng, d["shape"])
            scale, zero = d["quantization"]
            if d["dtype"] == np.int32:
                x = np.float32(rng.integers(0, 4, d["shape"]))
                it.set_tensor(d["index"], x.astype(np.int32))
            elif scale:
                n = np.iinfo(d["dtype"])
                q = np.clip(np.round(x / scale) + zero, n.min, n.max)
                it.set_tensor(d["index"], q.astype(d["dtype"]))
                x = np.float32((q - zero) * scale)
            else:
                it.set_tensor(d["index"], x)
            row.append(x.ravel())
        it.invoke()
        for d in it.get_output_details():
            y = it.get_tensor(d["index"]).astype(np.float64)
            scale, zero = d["quantization"]
            out.append(((y - zero) * scale if scale else y).ravel())
        rows.append(np.concatenate(row))
        answers.append(np.concatenate(out))
    (HERE / f"{name}.tflite").write_bytes(model)
    np.save(HERE / f"{name}.in.npy", np.float32(rows))
    np.save(HERE / f"{name}.out.npy", np.float32(answers))
    print(name, len(model), "bytes")


def between_steps(rng, shape):
    """Halfway between two of the 255 steps of their range, or next to that. Not
    at half a step, where TensorFlow Lite rounds the float below it up: it adds
    a half and cuts off."""
    low, high = np.float32(-rng.uniform(0.2, 1)), np.float32(rng.uniform(0.2, 1))
    step = (high - low) / np.float32(255)
    x = np.float32(rng.integers(1, 128, shape) + 0.5) * step
    x *= np.float32(rng.choice([-1, 1], shape))
    for _ in range(2):
        x = np.nextafter(x, np.float32(rng.choice([-9, 9], shape)))
    x = np.float32(np.clip(x, low, high))
    x.flat[0], x.flat[1] = low, high
    return x


def function(name, f, shapes, kinds, owner=None):
    specs = [tf.TensorSpec(s, tf.float32) for s in shapes]
    concrete = tf.function(f, autograph=False).get_concrete_function(*specs)
    for kind in kinds:
        answer(f"{name}_{kind}",
               convert([concrete], owner or concrete, shapes, kind))


def network(name, inputs, outputs, kinds):
    m = keras.Model(inputs, outputs)
    for w in m.weights:
        v = w.numpy()
        if "moving_var" in w.path or "gamma" in w.path:
            w.assign(rng.uniform(0.5, 1.5, v.shape))
        elif v.ndim == 1:
            w.assign(rng.normal(0, 0.2, v.shape))
    function(name, lambda x: m(x, training=False),
             [(1,) + tuple(inputs.shape[1:])], kinds)


def main():
    i = L.Input((8,))
    x = L.Dense(12, "relu")(i)
    x = L.Dense(8, "tanh")(x)
    network("mlp", i, L.Dense(4, "softmax")(x), ("float", "int8", "int16"))

    i = L.Input((36,))
    network("dynamic", i, L.Dense(4)(L.Dense(32, "relu")(i)), ("dynamic",))

    i = L.Input((24, 3))
    x = L.Conv1D(4, 5, padding="same", activation="relu")(i)
    x = L.Conv1D(4, 3, dilation_rate=2, padding="causal")(x)
    x = L.LeakyReLU(negative_slope=0.1)(L.BatchNormalization()(x))
    x = L.MaxPooling1D(2)(x)
    network("conv1d", i, L.GlobalAveragePooling1D()(x), ("float", "int8"))

    i = L.Input((9, 8, 2))
    x = L.Conv2D(4, 3, strides=2, padding="same", activation="relu6")(i)
    y = L.DepthwiseConv2D(3, padding="same")(x)
    x = L.Add()([x, L.Conv2D(4, 1)(y)])
    x = L.AveragePooling2D(2, 1, padding="same")(x)
    network("image", i, L.Dense(3)(L.Flatten()(x)), ("float", "int8"))

    i = L.Input((4, 3, 2))
    x = L.Conv2DTranspose(3, 3, strides=2, padding="same")(i)
    network("transposed", i, x, ("float", "int16"))

    i = L.Input((5, 3))
    network("lstm", i, L.LSTM(4)(i), ("float",))

    i = L.Input((6, 8))
    x = L.LayerNormalization()(L.Dense(8, "gelu")(i))
    a = tf.keras.ops.softmax(tf.keras.ops.matmul(x, L.Permute((2, 1))(i)))
    x = L.Add()([tf.keras.ops.matmul(a, x), L.Activation("hard_swish")(x)])
    x = L.Multiply()([L.LeakyReLU(negative_slope=0.2)(x), i])
    network("exact", i, L.Subtract()([x, L.Dense(8, "relu")(x)]), ("int8",))

    m = tf.Module()
    m.kept = tf.Variable(tf.zeros((1, 4, 3)))
    m.mean = tf.Variable(tf.ones((1, 3)) * 0.5)
    k = tf.constant(rng.normal(0, 0.4, (12, 3)), tf.float32)

    def step(x):
        kept = tf.concat([m.kept[:, 1:], x], 1)
        m.kept.assign(kept)
        y = tf.matmul(tf.reshape(kept, (1, 12)), k)
        m.mean.assign(0.9 * m.mean + 0.1 * y)
        return tf.tanh(y) + m.mean

    function("state", step, [(1, 1, 3)], ("float", "int8"), m)


def later():
    global rng
    rng = np.random.default_rng(8)
    keras.utils.set_random_seed(8)
    i = L.Input((6, 32))
    x = L.Conv1D(12, 3, dilation_rate=2, padding="same", activation="relu")(i)
    network("conv1d", i, L.Conv1D(2, 3)(x), ("dynamic",))

    i = L.Input((16, 2))
    x = L.Conv1D(4, 2, dilation_rate=3, padding="causal")(i)
    y = L.Conv1D(4, 3, dilation_rate=2, padding="causal")(i)
    x = L.Multiply()([L.Activation("tanh")(x), L.Activation("sigmoid")(y)])
    x = L.Add()([L.Conv1D(4, 3, padding="same")(x), L.Conv1D(4, 1)(i)])
    x = L.Concatenate()([L.LayerNormalization()(x), i])
    network("causal", i, L.Conv1D(2, 3, padding="same")(x), ("float", "int8"))

    def spectrum(x):
        s = tf.signal.stft(x, 16, 8, 32)
        return tf.concat([tf.abs(s), tf.math.real(s) - tf.math.imag(s)], -1)

    function("stft", spectrum, [(1, 40)], ("float",))


def halves():
    global rng
    rng = np.random.default_rng(9)
    keras.utils.set_random_seed(9)
    i = x = L.Input((24, 20))
    for dilation in (1, 2, 4):
        y = L.Conv1D(20, 3, dilation_rate=dilation, padding="causal",
                     activation="relu")(x)
        x = L.Add()([x, y])
    network("halves_tcn", i, x, ("dynamic",))
    i = L.Input((40,))
    network("halves_dense", i, L.Dense(30)(i), ("dynamic",))


if not sys.argv[1:]:
    main()
if not sys.argv[1:] or "later" in sys.argv[1:]:
    later()
if not sys.argv[1:] or "halves" in sys.argv[1:]:
    halves()
for name, model in (*operators.models(), *integers.models()):
    if name not in sys.argv[1:] and sys.argv[1:]:
        continue
    if name == "lstm_bytes":  # whose inputs TensorFlow Lite rounds
        (HERE / f"{name}.tflite").write_bytes(model)
    else:
        answer(name, model, np.random.default_rng(len(name)))
