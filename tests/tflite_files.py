"""Small .tflite files for tests, written with the schema that LiteRT ships, and its reference kernels to run them."""

import dataclasses

import flatbuffers
import numpy as np

DTYPES = {"u8": np.uint8, "s8": np.int8}


def schema():
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


@dataclasses.dataclass
class Quantized:
    scale: object = 1.0
    zero_point: object = 0
    axis: int = 0


class ModelBuilder:
    """A model of one subgraph; tensors and operators are added in order. All randomness from one seeded generator."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.model = schema().ModelT()
        self.model.version = 3
        self.model.description = "test"
        self.graph = schema().SubGraphT()
        self.graph.name, self.graph.tensors, self.graph.operators = "main", [], []
        self.model.subgraphs, self.model.operatorCodes, self.model.buffers = [self.graph], [], [schema().BufferT()]
        self.input = None

    def tensor(self, shape, dtype, quantized=None, data=None, name=None):
        """Index of a new tensor; dtype u8, s8 or a NumPy dtype."""
        numpy_dtype = np.dtype(DTYPES.get(dtype, dtype))
        tensor = schema().TensorT()
        tensor.name = (name or f"tensor{len(self.graph.tensors)}").encode()
        tensor.shape = list(shape)
        tensor.type = {
            "uint8": schema().TensorType.UINT8,
            "int8": schema().TensorType.INT8,
            "int32": schema().TensorType.INT32,
            "float32": schema().TensorType.FLOAT32,
        }[numpy_dtype.name]
        tensor.buffer = 0
        if data is not None:
            buffer = schema().BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, numpy_dtype).tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        if quantized is not None:
            tensor.quantization = schema().QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(quantized.scale).astype(np.float32)
            tensor.quantization.zeroPoint = np.atleast_1d(quantized.zero_point).astype(np.int64)
            tensor.quantization.quantizedDimension = quantized.axis
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def activation(self, shape, fmt, scale=None, zero_point=None):
        """Index of a tensor of codes with a random quantization where none is given."""
        low, high = (0, 255) if fmt == "u8" else (-128, 127)
        scale = float(self.rng.uniform(0.01, 0.1)) if scale is None else scale
        zero_point = int(self.rng.integers(low, high + 1)) if zero_point is None else zero_point
        return self.tensor(shape, fmt, Quantized(scale, zero_point))

    def scale(self, tensor):
        return float(self.graph.tensors[tensor].quantization.scale[0])

    def zero_point(self, tensor):
        return int(self.graph.tensors[tensor].quantization.zeroPoint[0])

    def weights(self, x, shape, fmt, channels, axis, per_channel):
        """Indices of random weights and of their bias."""
        scale = self.rng.uniform(0.001, 0.01, channels if per_channel else 1).astype(np.float32)
        low, high = (0, 255) if fmt == "u8" else (-127, 127)
        zero_point = int(self.rng.integers(100, 156)) if fmt == "u8" else 0
        codes = self.rng.integers(low, high + 1, shape)
        weight = self.tensor(shape, fmt, Quantized(scale, [zero_point] * len(scale), axis), codes)
        bias_scale = np.float32(self.scale(x)) * scale
        bias = self.rng.integers(-2000, 2000, channels)
        return weight, self.tensor([channels], np.int32, Quantized(bias_scale, [0] * len(scale)), bias)

    def add(self, kind, inputs, outputs, options=None, **fields):
        """Append an operator; options is the name of its table and fields its content."""
        code = schema().OperatorCodeT()
        code.builtinCode = getattr(schema().BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        operator = schema().OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options:
            table = getattr(schema(), f"{options}T")()
            for name, value in fields.items():
                setattr(table, name, value)
            operator.builtinOptionsType = getattr(schema().BuiltinOptions, options)
            operator.builtinOptions = table
        self.model.operatorCodes.append(code)
        self.graph.operators.append(operator)

    def content(self, inputs, outputs):
        """Bytes of the file."""
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


class Reference:
    """LiteRT's reference kernels on a file; every tensor can be read after `run`."""

    def __init__(self, content):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self.interpreter = Interpreter(
            model_content=content,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
        )
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]

    def run(self, image):
        """Run one image of codes [H, W, C]."""
        self.interpreter.set_tensor(self.input["index"], image.reshape(self.input["shape"]))
        self.interpreter.invoke()

    def codes(self, tensor):
        """Bit patterns of a tensor."""
        return self.interpreter.get_tensor(tensor).view(np.uint8)
