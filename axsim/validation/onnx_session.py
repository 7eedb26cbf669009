"""A quantized model in ONNX Runtime, with any of its tensors as outputs. Needs the extra `validate`.

ONNX Runtime makes one integer kernel of DequantizeLinear -> operator -> QuantizeLinear. Under s8 activations it does
so on x86 only when told (`session.qdqisint8allowed`, which it sets by itself on Arm); else it computes some of them in
float32, and those sums depend on their order.
"""

import collections
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError, ConversionError, first_line

S8_KERNELS = {"session.qdqisint8allowed": "1"}
U8_WEIGHTS = {"session.x64quantprecision": "1"}
# Operators whose float32 sums are not those of integers; the others (Relu, Clip, Pad, Slice) are exact in float.
SUMMING = ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "Add", "AveragePool", "GlobalAveragePool")


def require_onnxruntime() -> Any:
    """Import onnxruntime, or say which extra brings it."""
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError:
        raise AxsimError("this needs the packages onnx and onnxruntime: pip install 'axsim[validate]'") from None
    return onnxruntime


class Session:
    """
    A model in ONNX Runtime under its default optimisations.

    Parameters
    ----------
    proto : onnx.ModelProto
        With one input; it is copied.
    tensors : names of tensors to give out beside the model's own output
    settings : session settings by name

    Attributes
    ----------
    kernels : dict of str to int
        How many of each operator are left after the optimisations.

    Raises
    ------
    ConversionError
        If ONNX Runtime refuses the model.
    """

    def __init__(self, proto: Any, tensors: Sequence[str] = (), settings: Mapping[str, str] | None = None) -> None:
        onnxruntime = require_onnxruntime()
        import onnx

        model = onnx.ModelProto()
        model.CopyFrom(proto)
        given = {output.name for output in model.graph.output}
        wanted = [name for name in tensors if name not in given]
        model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in wanted)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # an error is raised, and is one line there
        for name, value in (settings or {}).items():
            options.add_session_config_entry(name, value)
        with tempfile.TemporaryDirectory(prefix="axsim-") as folder:
            optimized = pathlib.Path(folder) / "optimized.onnx"
            options.optimized_model_filepath = str(optimized)
            try:
                self._session = onnxruntime.InferenceSession(
                    model.SerializeToString(), options, providers=["CPUExecutionProvider"]
                )
            except Exception as error:  # onnxruntime's errors share no public base class
                raise ConversionError(f"ONNX Runtime refuses the model: {first_line(error)}") from None
            kept = onnx.load(str(optimized), load_external_data=False)
        self.kernels = dict(collections.Counter(node.op_type for node in kept.graph.node))
        self._tensors = [model.graph.output[0].name, *tensors]
        self._input = self._session.get_inputs()[0]

    @property
    def in_float(self) -> dict[str, int]:
        """The operators that sum in float32, and how many of each."""
        return {name: count for name, count in self.kernels.items() if name in SUMMING}

    def run(self, real: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        """Return the output and the tensors for input float32 [B, C, H, W]; a fixed batch is filled with copies."""
        fixed = self._input.shape[0]
        if not isinstance(fixed, int) or fixed == len(real):
            return list(self._session.run(self._tensors, {self._input.name: real}))
        parts = []
        for start in range(0, len(real), fixed):
            part = real[start : start + fixed]
            filled = np.concatenate([part, np.repeat(part[-1:], fixed - len(part), axis=0)])
            values = self._session.run(self._tensors, {self._input.name: filled})
            parts.append([value[: len(part)] for value in values])
        return [np.concatenate(values) for values in zip(*parts, strict=True)]


def saturates() -> bool:
    """
    Whether this CPU's kernels saturate sums of two products u8 x s8 at 16 bits: those for x86 without VNNI do.

    The sums of conv and linear are then not those of the integers, unless ONNX Runtime is told to avoid it
    (`session.x64quantprecision`).
    """
    import onnx

    helper, kinds = onnx.helper, onnx.TensorProto
    node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    graph = helper.make_graph(
        [node],
        "probe",
        [helper.make_tensor_value_info("a", kinds.UINT8, [1, 64])],
        [helper.make_tensor_value_info("c", kinds.INT32, [1, 16])],
        [onnx.numpy_helper.from_array(np.full((64, 16), 127, np.int8), "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = require_onnxruntime().SessionOptions()
    session = require_onnxruntime().InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return bool((session.run(None, {"a": np.full((1, 64), 255, np.uint8)})[0] != 64 * 255 * 127).any())
