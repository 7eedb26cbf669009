"""A .tflite file -> its operators and tensors in plain Python. Needs the extra `tflite`.

Python's flatbuffers library does not verify a file: every length that it claims is compared with the file's size or a
limit here before it is followed, so that a damaged or hostile file costs bounded time and memory.
"""

import dataclasses
import os
import pathlib
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import AxsimError, ConversionError, first_line
from ...files import check_readable
from ...networks.network import printable

LARGEST_FILE = 2**30  # bytes
LARGEST_COUNT = 10_000  # of tensors, operators, buffers
LARGEST_RANK = 8
LARGEST_INPUTS = 256  # of one operator
LARGEST_SHARE = 16  # times the file's size: what its tensors may claim together, since they may share buffers

DTYPES = {"FLOAT32": np.float32, "INT32": np.int32, "UINT8": np.uint8, "INT8": np.int8, "INT64": np.int64}

# The options that are read of each operator, by the table's name.
WINDOW = ("Padding", "StrideH", "StrideW")
DILATION = ("DilationHFactor", "DilationWFactor")
ACTIVATION = ("FusedActivationFunction",)
OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CONV_2D": ("Conv2DOptions", (*WINDOW, *DILATION, *ACTIVATION)),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", (*WINDOW, *DILATION, *ACTIVATION, "DepthMultiplier")),
    "FULLY_CONNECTED": ("FullyConnectedOptions", (*ACTIVATION, "WeightsFormat")),
    "AVERAGE_POOL_2D": ("Pool2DOptions", (*WINDOW, *ACTIVATION, "FilterHeight", "FilterWidth")),
    "MAX_POOL_2D": ("Pool2DOptions", (*WINDOW, *ACTIVATION, "FilterHeight", "FilterWidth")),
    "ADD": ("AddOptions", ACTIVATION),
    "CONCATENATION": ("ConcatenationOptions", (*ACTIVATION, "Axis")),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor: `scale` and `zero_point` have one entry, one a slice along `axis`, or none; `data` where constant."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    axis: int
    data: npt.NDArray[Any] | None


@dataclasses.dataclass(frozen=True)
class Operator:
    """One operator by its name in the schema, such as CONV_2D; inputs and outputs are tensors, -1 for one left out."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Model:
    """The only subgraph of a file, operators in order of execution."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def is_tflite(path: str | os.PathLike[str]) -> bool:
    """Whether a file is named or begins as TFLite's do."""
    if pathlib.Path(path).suffix.lower() == ".tflite":
        return True
    with open(path, "rb") as file:
        return file.read(8)[4:] == b"TFL3"


def require_tflite() -> Any:
    """Import the schema's package, or say which extra brings it."""
    try:
        import tflite
    except ImportError:
        raise AxsimError("reading TFLite needs the package tflite: pip install 'axsim[tflite]'") from None
    return tflite


def read_model(path: str | os.PathLike[str]) -> Model:
    """
    Read a TFLite file.

    Raises
    ------
    ConversionError
        If the file is missing, no TFLite file, truncated or damaged, or too large.
    AxsimError
        If the extra `tflite` is not installed.
    """
    schema = require_tflite()
    path = pathlib.Path(path)
    check_readable(path, ConversionError, "name a fully integer .tflite model")
    if path.stat().st_size > LARGEST_FILE:
        raise ConversionError(f"{path}: must have at most {LARGEST_FILE} bytes, got {path.stat().st_size}")
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise ConversionError(f"{path}: not a TFLite file: it must begin with the identifier TFL3 after four bytes")
    try:
        return _Reader(schema, content).model()
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from None
    except (struct.error, IndexError, KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        # What the flatbuffers library raises where an offset leads out of the file.
        raise ConversionError(f"{path}: not a valid TFLite file, truncated or damaged ({first_line(error)})") from None


class _Reader:
    """Follows the file's tables, checking what they claim."""

    def __init__(self, schema: Any, content: bytes) -> None:
        self.schema = schema
        self.size = len(content)
        self.root = schema.Model.GetRootAs(content, 0)
        self.claimed = 0
        self.types, self.kinds = (
            {value: key for key, value in vars(enumeration).items() if isinstance(value, int)}
            for enumeration in (schema.TensorType, schema.BuiltinOperator)
        )

    def model(self) -> Model:
        if self.root.SubgraphsLength() != 1:
            raise ConversionError(f"must have one subgraph, without control flow, got {self.root.SubgraphsLength()}")
        graph = self.root.Subgraphs(0)
        self.checked(self.root.BuffersLength(), "buffers")
        self.checked(self.root.OperatorCodesLength(), "operator codes")
        tensors = [self.tensor(graph.Tensors(i), i) for i in range(self.checked(graph.TensorsLength(), "tensors"))]
        count = self.checked(graph.OperatorsLength(), "operators")
        operators = [self.operator(graph.Operators(i), len(tensors)) for i in range(count)]
        inputs = self.indices(graph.InputsLength, graph.Inputs, len(tensors))
        outputs = self.indices(graph.OutputsLength, graph.Outputs, len(tensors))
        return Model(tuple(tensors), tuple(operators), inputs, outputs)

    def checked(self, count: int, what: str, largest: int = LARGEST_COUNT) -> int:
        if count > largest:
            raise ConversionError(f"must have at most {largest} {what}, got {count}")
        return count

    def claim(self, size: int) -> None:
        """Add to what the file's tensors claim together."""
        self.claimed += size
        if self.claimed > LARGEST_SHARE * self.size:
            raise ConversionError("damaged: its tensors claim more than the file can hold")

    def indices(self, length: Any, item: Any, count: int) -> tuple[int, ...]:
        values = tuple(int(item(i)) for i in range(self.checked(length(), "inputs or outputs", LARGEST_INPUTS)))
        if any(not -1 <= value < count for value in values):
            raise ConversionError(f"damaged: it has {count} tensors, and an operator names tensor {max(values)}")
        return values

    def tensor(self, source: Any, index: int) -> Tensor:
        raw = source.Name() or b""
        self.claim(len(raw))
        name = printable(raw[:4096].decode("utf-8", "replace"))
        rank = self.checked(source.ShapeLength(), f"dimensions of tensor {name!r}", LARGEST_RANK)
        shape = tuple(int(source.Shape(i)) for i in range(rank))
        dtype = self.types.get(source.Type(), f"type {source.Type()}")
        if source.Sparsity() is not None:
            raise ConversionError(f"tensor {name!r} must not be sparse")
        scale, zero_point, axis = np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        quantization = source.Quantization()
        if quantization is not None:
            if quantization.ScaleLength():
                scale = np.asarray(quantization.ScaleAsNumpy(), np.float32)
            if quantization.ZeroPointLength():
                zero_point = np.asarray(quantization.ZeroPointAsNumpy(), np.int64)
            axis = int(quantization.QuantizedDimension())
            self.claim(scale.nbytes + zero_point.nbytes)
        return Tensor(index, name, shape, dtype, scale, zero_point, axis, self.data(source, name, shape, dtype))

    def data(self, source: Any, name: str, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any] | None:
        if not 0 <= source.Buffer() < self.root.BuffersLength():
            raise ConversionError(f"damaged: tensor {name!r} names buffer {source.Buffer()}, which does not exist")
        buffer = self.root.Buffers(source.Buffer())
        if buffer.Offset() > 1:
            raise ConversionError("data outside of the flatbuffer is not supported")
        if not buffer.DataLength() or dtype not in DTYPES:
            return None
        values = buffer.DataAsNumpy().view(np.uint8)
        self.claim(values.nbytes)
        item = np.dtype(DTYPES[dtype]).newbyteorder("<")
        wanted = item.itemsize
        for length in shape:
            wanted *= length
        if min(shape, default=1) < 0 or wanted != values.nbytes:
            raise ConversionError(f"damaged: tensor {name!r} of shape {shape} has {values.nbytes} bytes of data")
        return values.view(item).reshape(shape)

    def operator(self, source: Any, tensors: int) -> Operator:
        if source.OpcodeIndex() >= self.root.OperatorCodesLength():
            raise ConversionError(f"damaged: operator code {source.OpcodeIndex()} does not exist")
        code = self.root.OperatorCodes(source.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = self.kinds.get(number, f"operator {number}")
        inputs = self.indices(source.InputsLength, source.Inputs, tensors)
        outputs = self.indices(source.OutputsLength, source.Outputs, tensors)
        return Operator(kind, inputs, outputs, self.options(source, kind))

    def options(self, source: Any, kind: str) -> dict[str, int]:
        if kind not in OPTIONS:
            return {}
        table, fields = OPTIONS[kind]
        found = source.BuiltinOptionsType()
        if found != getattr(self.schema.BuiltinOptions, table):
            raise ConversionError(f"damaged: {kind} must have {table}, got options of type {found}")
        options, given = getattr(self.schema, table)(), source.BuiltinOptions()
        options.Init(given.Bytes, given.Pos)
        return {field: int(getattr(options, field)()) for field in fields}
