"""TensorFlow Lite models put together operator by operator: those that the
converter does not write, or not any more."""
import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

TYPES = {"float32": 0, "int32": 2, "int64": 4, "bool": 6, "int16": 7,
         "int8": 9}


class Builder:
    def __init__(self):
        self.model = schema.ModelT()
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.version = 3
        self.model.subgraphs = [self.graph]
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]

    def tensor(self, shape, kind="float32", data=None, variable=False,
               scale=None, zero=0, axis=0):
        t = schema.TensorT()
        t.shape, t.type, t.isVariable = list(shape), TYPES[kind], variable
        t.name = f"t{len(self.graph.tensors)}"
        if data is not None:
            b = schema.BufferT()
            b.data = np.frombuffer(
                np.ascontiguousarray(data, kind).tobytes(), np.uint8)
            self.model.buffers.append(b)
            t.buffer = len(self.model.buffers) - 1
        if scale is not None:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale = np.ravel(np.float32(scale))
            t.quantization.zeroPoint = np.full(
                t.quantization.scale.size, zero, np.int64)
            t.quantization.quantizedDimension = axis
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def constant(self, data, kind="float32"):
        return self.tensor(np.shape(data), kind, data)

    def ints(self, data):
        return self.constant(data, "int32")

    def op(self, name, inputs, outputs, options=None, version=1, **settings):
        """outputs: a tensor or a list of them; answers it."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        self.model.operatorCodes.append(code)
        o = schema.OperatorT()
        o.opcodeIndex = len(self.model.operatorCodes) - 1
        o.inputs, o.outputs = list(inputs), np.ravel(outputs).tolist()
        if options:
            o.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            o.builtinOptions = getattr(schema, options + "T")()
            for key, value in settings.items():
                assert hasattr(o.builtinOptions, key), key
                setattr(o.builtinOptions, key, value)
        self.graph.operators.append(o)
        return outputs

    def metadata(self, name, data):
        m, b = schema.MetadataT(), schema.BufferT()
        b.data = np.frombuffer(data, np.uint8)
        self.model.buffers.append(b)
        m.name, m.buffer = name, len(self.model.buffers) - 1
        self.model.metadata = [m]

    def file(self, inputs, outputs):
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        b = flatbuffers.Builder(1024)
        b.Finish(self.model.Pack(b), b"TFL3")
        return bytes(b.Output())
