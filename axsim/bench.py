"""Kernels measured side by side in one process: ours on each tier, NumPy's float32, ONNX Runtime's exact int8.

Contenders of a shape take turns, round after round, so that what else the machine does falls on all of them alike; only
BLAS, whose threads keep spinning after a call, is timed after the others.
Weights are Laplace-distributed, as trained ones are; activations are those behind a relu in a symmetric network (0 to
127), but for the random table, which gets all 256 patterns.
"""

import dataclasses
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numba
import numpy as np

from .catalog import multiplier
from .errors import AxsimError
from .formats import Patterns
from .gemm import Product
from .kernels.im2col import im2col
from .kernels.simd.vectors import features
from .plan import plan, tier
from .product_table import Multiplier

TABLES = ("exact", "drum:k=4", "broken_array:h=2,v=5,signed=1", "mitchell", "random 16-bit")
BLAS = "NumPy float32"
OUTSIDE = "ONNX Runtime int8"
SECONDS_A_SHAPE = 0.6  # that each contender may take in all


@dataclasses.dataclass(frozen=True)
class Workload:
    """A layer as a product: M channels, C input channels in `groups`, a square window, B square images.

    `size` 0: a plain matrix product of K = `inputs` and N = `batch` columns.
    """

    name: str
    channels: int
    inputs: int
    window: int = 1
    stride: int = 1
    size: int = 0
    batch: int = 1
    groups: int = 1

    @property
    def product(self) -> tuple[int, int, int]:
        """M, K and N."""
        output = (self.size + self.stride - 1) // self.stride if self.size else 1
        return self.channels, self.inputs // self.groups * self.window**2, self.batch * output**2

    @property
    def multiplications(self) -> int:
        """M K N."""
        m, k, n = self.product
        return m * k * n


WORKLOADS = (
    Workload("GEMM 256 x 1152 x 784", 256, 1152, batch=784),
    Workload("ResNet-50 3x3 64, 56x56", 64, 64, 3, size=56),
    Workload("ResNet-50 3x3 64, 56x56, batch 8", 64, 64, 3, size=56, batch=8),
    Workload("ResNet-50 3x3 256, 14x14", 256, 256, 3, size=14),
    Workload("ResNet-50 1x1 256-64, 56x56", 64, 256, size=56),
    Workload("ResNet-50 1x1 512-2048, 7x7, batch 8", 2048, 512, size=7, batch=8),
    Workload("MobileNetV2 depthwise 3x3 96, 112x112", 96, 96, 3, size=112, groups=96),
    Workload("MobileNetV2 1x1 96-24, 56x56", 24, 96, size=56),
    Workload("EfficientNet-Lite0 depthwise 5x5 240, 28x28", 240, 240, 5, size=28, groups=240),
    Workload("EfficientNet-Lite0 1x1 40-240, 28x28", 240, 40, size=28),
    Workload("ResNet-20 3x3 16, 32x32, batch 8", 16, 16, 3, size=32, batch=8),
    Workload("transformer MLP 768-3072, 197 tokens", 3072, 768, batch=197),
    Workload("classifier 1280-1000", 1000, 1280),
)


@dataclasses.dataclass(frozen=True)
class Timing:
    """GMAC/s of one contender on one workload: best and median of `rounds`; `plan` is how a table was multiplied."""

    workload: str
    threads: int
    contender: str
    plan: str
    best: float
    median: float
    rounds: int


def machine() -> dict[str, Any]:
    """Name of the CPU, its features that matter here, and versions."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), name)
    except OSError:
        pass
    kept = ("avx2", "avx512f", "avx512bw", "avx512vbmi", "avx512vnni", "neon")
    return {
        "cpu": name,
        "cores": os.cpu_count(),
        "features": [name for name in kept if name in features()],
        "tier": tier(),
        "numba": numba.__version__,
        "numpy": np.__version__,
    }


def random_table() -> Multiplier:
    """Products of 16 random bits: nothing in the table to make use of."""
    table = np.random.default_rng(0).integers(-(2**15), 2**15, (256, 256))
    return Multiplier("random 16-bit", table, ("s8", "s8"))


def bench(
    workloads: Sequence[Workload] = WORKLOADS,
    threads: Sequence[int] = (1, 2),
    seconds: float = SECONDS_A_SHAPE,
    progress: Callable[[int, int], None] | None = None,
) -> list[Timing]:
    """
    Time every workload through every table and against every other contender.

    Raises
    ------
    AxsimError
        If more threads are asked for than Numba was started with.
    """
    most = numba.config.NUMBA_NUM_THREADS
    if not threads or any(not 1 <= count <= most for count in threads):
        raise AxsimError(f"threads must be from 1 to {most} on this machine, got {', '.join(map(str, threads))}")
    before = numba.get_num_threads()
    timings: list[Timing] = []
    done, total = 0, len(workloads) * len(threads)
    try:
        for workload in workloads:
            for count in threads:
                numba.set_num_threads(count)
                timings += _timings(workload, count, seconds)
                if progress is not None:
                    done += 1
                    progress(done, total)
    finally:
        numba.set_num_threads(before)
    return timings


def _timings(workload: Workload, threads: int, seconds: float) -> Iterator[Timing]:
    contenders = dict(_contenders(workload, threads))
    for name, (call, _) in contenders.items():
        if name != BLAS:
            call()  # compile, allocate, and fill the caches
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    # BLAS keeps its threads spinning for a while after each call, on the cores of whoever comes next: it is timed last.
    for turn in (contenders.keys() - {BLAS}, contenders.keys() & {BLAS}):
        names = [name for name in contenders if name in turn]
        # All take as many turns as the slowest needs to fill its time, three at least.
        while names and (len(taken[names[0]]) < 3 or max(sum(taken[name]) for name in names) < seconds):
            for name in names:
                start = time.perf_counter()
                contenders[name][0]()
                taken[name].append(time.perf_counter() - start)
    work = workload.multiplications / 1e9
    for name, (_, how) in contenders.items():
        values = taken[name]
        yield Timing(
            workload.name, threads, name, how, work / min(values), work / statistics.median(values), len(values)
        )


def _contenders(workload: Workload, threads: int) -> Iterator[tuple[str, tuple[Callable[[], object], str]]]:
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
        yield name, (_product(workload, weight, x, served, None), plan(served).kind)
        if name in ("exact", "random 16-bit"):
            yield (
                f"{name}, portable tier",
                (_product(workload, weight, x, served, "portable"), "table" if random else "exact"),
            )
    left = weight.astype(np.float32)
    right = rng.normal(size=(depth, columns)).astype(np.float32)
    if workload.groups == 1 and threads == numba.config.NUMBA_NUM_THREADS:  # BLAS takes all cores
        yield BLAS, (lambda: left @ right, "BLAS, without im2col")
    outside = _onnxruntime(workload, weight, relu, threads)
    if outside is not None:
        yield OUTSIDE, (outside, "exact, QLinearConv or MatMulInteger")


def _product(
    workload: Workload, weight: np.ndarray[Any, Any], x: Patterns, served: Multiplier, forced: str | None
) -> Callable[[], object]:
    """Return the layer's product, im2col included, on the tier in use or a forced one."""
    before = os.environ.get("AXSIM_TIER")
    try:
        if forced is not None:
            os.environ["AXSIM_TIER"] = forced
        product = Product(weight.view(np.uint8), workload.groups, "s8", "s8", served)
    finally:
        if before is not None:
            os.environ["AXSIM_TIER"] = before
        elif forced is not None:
            del os.environ["AXSIM_TIER"]

    def call() -> object:
        columns = x.reshape(x.shape[0], -1)
        if workload.window > 1 or workload.stride > 1:
            size = (workload.size + workload.stride - 1) // workload.stride
            pad = workload.window // 2
            window, step = (workload.window,) * 2, (workload.stride,) * 2
            columns = np.empty((workload.inputs * workload.window**2, workload.batch * size**2), np.uint8)
            im2col(x, window, step, (pad, pad), (1, 1), 0, (size, size), columns)
        return product(columns)

    return call


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


def compile_all() -> None:
    """Compile what the demo needs: the families, and the kernels of convolutions, residual adds and measurements."""
    from .catalog import examples
    from .demo import IMAGES, NETWORK, shipped
    from .images import load_images
    from .measure import measure
    from .network_file import load

    for name in examples():
        multiplier(name)
    network, some = load(shipped(NETWORK)), load_images(shipped(IMAGES), 1).images
    measure(network, some, [multiplier("mitchell"), multiplier("drum:k=4")])
