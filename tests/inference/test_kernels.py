"""Kernels at the places where the random networks of the engine's tests seldom come."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import axsim
from axsim.errors import AxsimError
from axsim.inference.gemm import Product, accumulator_bound
from axsim.inference.operators import to_codes
from axsim.inference.plan import operand_maps
from axsim.kernels.count import all_below_128
from axsim.kernels.im2col import im2col
from axsim.kernels.requantize import requantize
from axsim.networks.nodes import Quantization
from axsim.statistics import ErrorSums, LayerStatistics


@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (3, 3), (5, 5), (4, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_im2col_pads_on_every_side(kernel, dilation, before, stride):
    """Among them all cases in which the output has the input's size, which take a path of their own."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (2, 3, 7, 6), dtype=np.uint8)
    spans = [dilation * (size - 1) for size in kernel]
    pads = [min(before, span) for span in spans], [max(0, span - before) for span in spans]
    padded = np.pad(x, ((0, 0), (0, 0), (pads[0][0], pads[1][0]), (pads[0][1], pads[1][1])), constant_values=77)
    height, width = ((size - span - 1) // stride + 1 for size, span in zip(padded.shape[2:], spans, strict=True))
    columns = np.empty((2 * kernel[0] * kernel[1], 3 * height * width), np.uint8)
    im2col(x, kernel, (stride, stride), tuple(pads[0]), (dilation, dilation), 77, (height, width), columns)
    rows = [
        padded[c, :, i * dilation :, j * dilation :][:, ::stride, ::stride][:, :height, :width].reshape(-1)
        for c in range(2)
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]
    assert np.array_equal(columns, np.array(rows))


@pytest.mark.parametrize("name", ["mitchell", "broken_array:h=2,v=5,signed=1", "drum:k=4", "broken_array:v=2"])
@pytest.mark.parametrize("low_first", [True, False])
def test_a_product_serves_low_and_high_activations_in_any_order(name, low_first):
    rng = np.random.default_rng(2)
    weight = rng.integers(0, 256, (5, 30), dtype=np.uint8)
    x = rng.integers(0, 256, (30, 90), dtype=np.uint8)
    served = axsim.multiplier(name).serving("s8", "s8")
    product = Product(weight, 1, "s8", "s8", served)
    for columns in (x & 127, x) if low_first else (x, x & 127):
        assert np.array_equal(product(columns), served.table[weight.astype(int)[:, :, None], columns[None]].sum(axis=1))


def qlinear_conv(x, weight, x_scale, w_scale, y_scale, zero_point):
    """ONNX Runtime's QLinearConv, 1x1, on x [1, C, 1, N] uint8."""
    scalars = {"xs": np.float32(x_scale), "xz": np.uint8(zero_point), "ws": np.float32(w_scale), "wz": np.int8(0),
               "ys": np.float32(y_scale), "yz": np.uint8(zero_point), "w": weight[:, :, None, None]}  # fmt: skip
    node = helper.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["y"])
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.UINT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in scalars.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


@pytest.mark.parametrize("scales", [(0.5, 0.25, 1.0), (0.5, 0.5, 1.0), (0.1, 0.013, 0.7)])
@pytest.mark.parametrize("zero_point", [0, 3])
def test_requantization_is_onnx_runtimes(scales, zero_point):
    """Ties to even: the first two pairs of scales make every second or fourth sum one."""
    x_scale, w_scale, y_scale = scales
    x = np.arange(256, dtype=np.uint8).reshape(1, 1, 1, 256)
    weight = np.array([[1], [3], [-2], [127], [-128]], np.int8)
    wanted = qlinear_conv(x, weight, x_scale, w_scale, y_scale, zero_point)
    sums = weight.astype(np.int32) * (x.reshape(1, -1).astype(np.int32) - zero_point)
    multiplier = np.full(5, np.float32(x_scale) * np.float32(w_scale) / np.float32(y_scale))
    out = np.empty(sums.shape, np.uint8)
    requantize(sums, np.zeros(5, np.int32), multiplier, (zero_point, 0, 255), out)
    assert np.array_equal(out, wanted.reshape(5, -1))


@pytest.mark.parametrize("zero_point", [0, 1, -3])
def test_quantization_rounds_ties_to_even_before_the_zero_point(zero_point):
    real = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5], np.float32)
    codes = to_codes(real, Quantization(1.0, zero_point, "s8"), None).view(np.int8)
    assert codes.tolist() == [value + zero_point for value in (-2, -2, 0, 0, 2, 2, 4)]


def test_statistics_refuse_what_does_not_fit():
    wide, eight = np.zeros((2000, 3), np.int32), np.zeros((2000, 3), np.uint8)
    with pytest.raises(AxsimError, match="must be int32"):
        ErrorSums(1).add(wide, wide)
    with pytest.raises(AxsimError, match="must be int32"):
        ErrorSums(2000).add(wide, wide[:, :2])
    with pytest.raises(AxsimError, match="columns must be"):
        LayerStatistics(np.zeros((1, 1), np.uint8), 1, "s8", "s8").add(eight)


def test_the_bound_pairs_each_sum_with_its_own_bias():
    weight = np.array([[0], [127]], np.int8).view(np.uint8)
    bias = np.array([2**31 - 2000, 0])
    assert accumulator_bound(weight, "s8", "s8", None, bias) == 2**31 - 2000


def test_factors_of_a_huge_constant_table_are_given_up_at_once():
    assert operand_maps(np.full((256, 256), 2**31 - 1, np.int32)) is None


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_000])
@pytest.mark.parametrize("largest", [127, 128])
def test_whether_all_codes_are_below_128(size, largest):
    x = np.full(size, 127, np.uint8)
    for at in {0, size // 2, size - 1} if size else ():
        x[:] = 127
        x[at] = largest
        assert all_below_128(x) == (largest < 128)
    if size == 0:
        assert all_below_128(x)
