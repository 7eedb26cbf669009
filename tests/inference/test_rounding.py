"""Rounding rules that differ: the fused multiply-add, and the sums and means of ONNX Runtime's own kernels."""

import numpy as np
import onnxruntime
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from axsim.formats import code_range, pattern_values
from axsim.inference.operators import compute
from axsim.networks.nodes import Add, AveragePool, Quantization
from axsim.networks.rounding import fused_multiply_add

FLOATS = st.floats(-1e6, 1e6, width=32)


@settings(deadline=None, max_examples=300)
@given(FLOATS, FLOATS, FLOATS)
def test_a_fused_multiply_add_is_rounded_once(a, b, c):
    assert float(fused_multiply_add(a, b, c)) == float(reference.fused_multiply_add(a, b, c))


def test_a_fused_multiply_add_where_rounding_twice_would_go_wrong():
    # 1 + 2^-24 + 2^-54 lies just above the middle of two float32 numbers; float64 keeps only the middle, a tie to even.
    a, b = np.float32(2.0**-27), np.float32(2.0**-27)
    c = np.float32(1.0)
    assert float(fused_multiply_add(a, b, c)) == 1.0
    middle = fused_multiply_add(np.float32(1 + 2.0**-23), np.float32(1 - 2.0**-24), np.float32(2.0**-60))
    exact = (1 + 2.0**-23) * (1 - 2.0**-24)
    assert float(middle) == float(reference.fused_multiply_add(1 + 2.0**-23, 1 - 2.0**-24, 2.0**-60))
    assert np.float32(exact) <= middle


def onnxruntime_node(op, tensors, constants, **attributes):
    """Output of one com.microsoft node on tensors (dict) and constant scales and zero points (dict, in order)."""
    names = [*constants] if op == "QLinearConcat" else [*tensors, *constants]
    order = attributes.pop("order", names)
    node = helper.make_node(op, order, ["y"], domain="com.microsoft", **attributes)
    kinds = {"uint8": TensorProto.UINT8, "int8": TensorProto.INT8}
    inputs = [helper.make_tensor_value_info(n, kinds[v.dtype.name], v.shape) for n, v in tensors.items()]
    kind = kinds[next(iter(tensors.values())).dtype.name]
    made = [helper.make_tensor_value_info("y", kind, None)]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph([node], "g", inputs, made, stored)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, tensors)[0]


def random_quantization(rng, fmt):
    low, high = code_range(fmt)
    return Quantization(float(np.float32(rng.uniform(0.01, 0.3))), int(rng.integers(low, high + 1)), fmt)


@pytest.mark.parametrize("fmt", ["u8", "s8"])
@pytest.mark.parametrize("seed", range(20))
def test_add_is_onnx_runtimes_on_all_pairs_of_codes(fmt, seed):
    rng = np.random.default_rng(seed)
    a, b, output = (random_quantization(rng, fmt) for _ in range(3))
    dtype = np.dtype({"u8": np.uint8, "s8": np.int8}[fmt]).type
    codes = pattern_values(fmt).astype(dtype)
    tensors = {"a": np.repeat(codes, 256), "b": np.tile(codes, 256)}
    constants = {
        f"{name}_{what}": value
        for name, q in (("a", a), ("b", b), ("y", output))
        for what, value in (("scale", np.float32(q.scale)), ("zero", dtype(q.zero_point)))
    }
    order = ["a", "a_scale", "a_zero", "b", "b_scale", "b_zero", "y_scale", "y_zero"]
    wanted = onnxruntime_node("QLinearAdd", tensors, constants, order=order)
    node = Add("sum", ("x", "y"), output, code_range(fmt))
    inputs = [value.view(np.uint8).reshape(1, 1, 256, 256) for value in tensors.values()]
    got = compute(node, inputs, [a, b], (1, 256, 256), "onnxruntime")
    assert np.array_equal(got.reshape(-1).view(dtype), wanted)


@pytest.mark.parametrize("fmt", ["u8", "s8"])
@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("window", ["padded", "in rows", "whole input"])
@pytest.mark.parametrize("same_scale", [False, True])
def test_average_pool_is_onnx_runtimes(fmt, count_include_pad, window, same_scale):
    """Of one scale, every second to sixty-fourth mean is a tie: the order of the sum decides it."""
    rng = np.random.default_rng(0)
    x_quantization = random_quantization(rng, fmt)
    output = x_quantization if same_scale else random_quantization(rng, fmt)
    dtype = np.dtype({"u8": np.uint8, "s8": np.int8}[fmt]).type
    x = pattern_values(fmt).astype(dtype)[rng.integers(0, 256, (30, 8, 8, 8))]
    kernel, strides, pads = {
        "padded": ((7, 5), (1, 2), (3, 0, 1, 2)),
        "in rows": ((8, 4), (1, 1), (0, 0, 0, 0)),
        "whole input": ((8, 8), (3, 3), (0, 0, 0, 0)),
    }[window]
    constants = {
        "xs": np.float32(x_quantization.scale),
        "xz": dtype(x_quantization.zero_point),
        "ys": np.float32(output.scale),
        "yz": dtype(output.zero_point),
    }
    wanted = onnxruntime_node(
        "QLinearAveragePool",
        {"x": x},
        constants,
        kernel_shape=kernel,
        strides=strides,
        pads=pads,
        count_include_pad=int(count_include_pad),
    )
    node = AveragePool("mean", ("x",), output, code_range(fmt), kernel, strides, pads, count_include_pad)
    shape = (8, *wanted.shape[2:])
    patterns = np.ascontiguousarray(x.transpose(1, 0, 2, 3)).view(np.uint8)
    got = compute(node, [patterns], [x_quantization], shape, "onnxruntime")
    assert np.array_equal(got.view(dtype).transpose(1, 0, 2, 3), wanted)
