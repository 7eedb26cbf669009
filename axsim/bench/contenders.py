"""What is timed on a workload: every table on our kernels, NumPy, and ONNX Runtime where it is installed."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np

from ..formats import Patterns
from ..inference.gemm import Product
from ..inference.plan import plan, product_planes
from ..inference.prepared.depthwise import DepthwiseProduct
from ..kernels.im2col import im2col
from ..multipliers.catalog import multiplier
from ..multipliers.product_table import Multiplier
from ..networks.nodes import Conv, Quantization
from .workloads import Workload

TABLES = ("exact", "drum:k=4", "broken_array:h=2,v=5,signed=1", "mitchell", "mul8u_FTA", "mul8u_2HH", "random 16-bit")
BLAS = "NumPy float32"
OUTSIDE = "ONNX Runtime int8"


def random_table() -> Multiplier:
    """Products of 16 random bits: nothing in the table to make use of."""
    table = np.random.default_rng(0).integers(-(2**15), 2**15, (256, 256))
    return Multiplier("random 16-bit", table, ("s8", "s8"))


def contenders_of(workload: Workload, threads: int) -> Iterator[tuple[str, tuple[Callable[[], object], str]]]:
    """Yield the name of each contender, the call that does the work once, and how it multiplies."""
    rng = np.random.default_rng(1)
    channels, depth, columns = workload.product
    weight = np.clip(np.rint(rng.laplace(0, 20, (channels, depth))), -127, 127).astype(np.int8)
    shape = (workload.inputs, workload.batch, workload.size or 1, workload.size or 1)
    relu = np.clip(np.rint(np.abs(rng.normal(0, 40, shape))), 0, 127).astype(np.uint8)
    uniform = rng.integers(0, 256, shape, dtype=np.uint8)

    for name in TABLES:
        random = name == "random 16-bit"
        served = random_table() if random else multiplier(name).serving("s8", "s8")
        x = uniform if random else relu
        yield name, (_product(workload, weight, x, served, None), _how(workload, served))
        if name in ("exact", "random 16-bit"):
            yield (
                f"{name}, portable tier",
                (
                    _product(workload, weight, x, served, "portable"),
                    "table" if random or workload.depthwise else "exact",
                ),
            )
    left = weight.astype(np.float32)
    right = rng.normal(size=(depth, columns)).astype(np.float32)
    if workload.groups == 1 and threads == numba.config.NUMBA_NUM_THREADS:  # BLAS takes all cores
        yield BLAS, (lambda: left @ right, "BLAS, without im2col")
    outside = _onnxruntime(workload, weight, relu, threads)
    if outside is not None:
        yield OUTSIDE, (outside, "exact, QLinearConv or MatMulInteger")


def _how(workload: Workload, served: Multiplier) -> str:
    if not workload.depthwise:
        return plan(served).kind
    planes = product_planes(served, 256)
    return "table" if planes is None else ("one plane", "two planes")[planes.tables.shape[1] - 1]


@contextlib.contextmanager
def _on_tier(forced: str | None) -> Iterator[None]:
    """Kernels of this tier within; of the one in use where it is None."""
    before = os.environ.get("AXSIM_TIER")
    try:
        if forced is not None:
            os.environ["AXSIM_TIER"] = forced
        yield
    finally:
        if before is not None:
            os.environ["AXSIM_TIER"] = before
        elif forced is not None:
            del os.environ["AXSIM_TIER"]


def _product(
    workload: Workload, weight: np.ndarray[Any, Any], x: Patterns, served: Multiplier, forced: str | None
) -> Callable[[], object]:
    """Return the layer's product, im2col included, on the tier in use or a forced one."""
    size = (workload.size + workload.stride - 1) // workload.stride
    pad, window, step = workload.window // 2, (workload.window,) * 2, (workload.stride,) * 2
    if workload.depthwise:
        node = _depthwise_node(workload, weight)
        with _on_tier(forced):
            depthwise = DepthwiseProduct(node, "s8", 0, served)

        def call() -> object:
            with _on_tier(forced):
                return depthwise(x, (size, size))

        return call
    with _on_tier(forced):
        product = Product(weight.view(np.uint8), workload.groups, "s8", "s8", served)

    def call_product() -> object:
        columns = x.reshape(x.shape[0], -1)
        if workload.window > 1 or workload.stride > 1:
            columns = np.empty((workload.inputs * workload.window**2, workload.batch * size**2), np.uint8)
            im2col(x, window, step, (pad, pad), (1, 1), 0, (size, size), columns)
        with _on_tier(forced):
            return product(columns)

    return call_product


def _depthwise_node(workload: Workload, weight: np.ndarray[Any, Any]) -> Conv:
    channels, window = workload.channels, workload.window
    return Conv(
        name=workload.name,
        inputs=("input",),
        output=Quantization(1.0, 0, "s8"),
        clamp=(-128, 127),
        weight=weight.reshape(channels, 1, window, window),
        weight_scale=np.ones(channels, np.float32),
        bias=np.zeros(channels, np.int32),
        strides=(workload.stride,) * 2,
        pads=(window // 2,) * 4,
        dilations=(1, 1),
        groups=workload.groups,
    )


def _onnxruntime(
    workload: Workload, weight: np.ndarray[Any, Any], x: Patterns, threads: int
) -> Callable[[], object] | None:
    """ONNX Runtime's exact int8 operator for the same product; None where it is not installed."""
    try:
        import onnx
        import onnxruntime
    except ImportError:
        return None
    helper, constants = onnx.helper, []

    def constant(name: str, value: Any) -> str:
        constants.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    if workload.size:
        window = (workload.channels, workload.inputs // workload.groups, workload.window, workload.window)
        given = np.ascontiguousarray(x.transpose(1, 0, 2, 3))
        scale, zero = constant("s", np.float32(0.01)), constant("z", np.uint8(0))
        w = [constant("w", weight.reshape(window)), constant("ws", np.float32(0.01)), constant("wz", np.int8(0))]
        node = helper.make_node(
            "QLinearConv",
            ["x", scale, zero, *w, scale, zero],
            ["y"],
            pads=[workload.window // 2] * 4,
            strides=[workload.stride] * 2,
            group=workload.groups,
        )
    else:
        # Activations left, [N, K] by [K, M], as runtimes have it: there the right, constant operand is packed once.
        given = np.ascontiguousarray(x.reshape(workload.inputs, -1).T)
        node = helper.make_node("MatMulInteger", ["x", constant("w", np.ascontiguousarray(weight.T))], ["y"])
    result = onnx.TensorProto.UINT8 if workload.size else onnx.TensorProto.INT32
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, given.shape)],
        [helper.make_tensor_value_info("y", result, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": given})
