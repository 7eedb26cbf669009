"""Linear layers, what is folded into a layer, clamps, sums and means."""

import numpy as np


def head(m, classes=6):
    """A layer that makes the input flat and small, for operators on [N, C]."""
    return m.node("Flatten", m.node("GlobalAveragePool", m.conv(shape=(8, 3, 3, 3))))


def gemm(bias=None, **options):
    def build(m):
        shape = (6, 8) if options.get("transB") else (8, 6)
        parts = [m.constant(m.rng.normal(size=shape))]
        return m.node("Gemm", head(m), *parts, *([] if bias is None else [m.floats(*bias)]), **options)

    return build


def matmul_add(first, norm=False):
    def build(m):
        product, shift = m.node("MatMul", head(m), m.constant(m.rng.normal(size=(8, 6)))), m.floats(6)
        total = m.node("Add", *((shift, product) if first else (product, shift)))
        return m.batch_norm(total, 6) if norm else total

    return build


def gemm_batch_norm(m):
    return m.batch_norm(m.node("Gemm", head(m), m.weight(8, 6)), 6)


def conv_batch_norm(bias=False, before=False, after=False, relu=False):
    def build(m):
        x = m.conv(bias=bias)
        x = m.node("Add", x, m.floats(5, 1, 1)) if before else x
        x = m.batch_norm(x, 5)
        x = m.node("Add", m.floats(1, 5, 1, 1), x) if after else x
        return m.node("Flatten", m.node("Relu", x) if relu else x)

    return build


def batch_norm_epsilon(least, **attributes):
    return lambda m: m.node("Flatten", m.batch_norm(m.conv(), 5, least, **attributes))


def clip(low=None, high=None, before=None):
    def build(m):
        bounds = ["" if bound is None else m.constant(bound, np.float32) for bound in (low, high)]
        while bounds and not bounds[-1]:
            bounds.pop()
        x = m.conv()
        x = m.node("MaxPool", x, kernel_shape=[2, 2]) if before == "MaxPool" else m.node(before, x) if before else x
        return m.node("Flatten", m.node("Clip", x, *bounds))

    return build


def relu_of_the_input(m):
    return m.node("Flatten", m.conv(m.node("Relu", "x")))


def relu_whose_producer_feeds_others(m):
    x = m.conv()
    return m.node("Flatten", m.node("Add", m.node("Relu", x), x))


def residual(m):
    x = m.node("Relu", m.conv(shape=(4, 3, 3, 3), pads=[1, 1, 1, 1]))
    y = m.conv(m.node("Relu", m.conv(x, (4, 4, 3, 3), pads=[1, 1, 1, 1])), (4, 4, 3, 3), pads=[1, 1, 1, 1])
    return m.node("Flatten", m.node("Relu", m.node("Add", y, x)))


def added_to_itself(m):
    x = m.conv()
    return m.node("Flatten", m.node("Add", x, x))


def added_constant(*shape):
    return lambda m: m.node("Flatten", m.node("Add", m.conv(), m.floats(*shape)))


def global_pool(m):
    return m.flat_linear(m.node("GlobalAveragePool", m.conv(shape=(8, 3, 3, 3))), 8)


def reduce_mean(axes, as_input=False, keepdims=1):
    def build(m):
        m.opset = 18 if as_input else 17
        x = m.conv(shape=(8, 3, 3, 3))
        if as_input:
            x = m.node("ReduceMean", x, m.constant(axes), keepdims=keepdims)
        else:
            x = m.node("ReduceMean", x, axes=axes, keepdims=keepdims)
        return m.flat_linear(x, 8) if keepdims else m.node("Gemm", x, m.weight(8, 6))

    return build


def softmax(*after, axis=-1):
    def build(m):
        logits = m.flat_linear(m.conv(), 5 * 7 * 5)
        x = m.node("Softmax", logits, axis=axis)
        for op in after:
            x = m.node(op, x)
        return x, logits

    return build


CASES = {
    "GlobalAveragePool": global_pool,
    "ReduceMean": reduce_mean([2, 3]),
    "ReduceMean negative axes": reduce_mean([-1, -2]),
    "ReduceMean without keepdims": reduce_mean([2, 3], keepdims=0),
    "ReduceMean axes as input": reduce_mean([2, 3], as_input=True),
    "ReduceMean axes as input, negative, without keepdims": reduce_mean([-2, -1], as_input=True, keepdims=0),
    "Gemm": gemm(bias=(6,)),
    "Gemm transB": gemm(bias=(6,), transB=1),
    "Gemm alpha": gemm(bias=(6,), alpha=0.25),
    "Gemm beta": gemm(bias=(6,), beta=-3.0),
    "Gemm alpha, beta, transB": gemm(bias=(6,), alpha=1.75, beta=0.5, transB=1),
    "Gemm without bias": gemm(),
    "Gemm bias of one row": gemm(bias=(1, 6)),
    "Gemm bias of one number": gemm(bias=(1,)),
    "Gemm bias without axes": gemm(bias=()),
    "MatMul": lambda m: m.node("MatMul", head(m), m.constant(m.rng.normal(size=(8, 6)))),
    "MatMul, Add": matmul_add(first=False),
    "MatMul, Add of constant first": matmul_add(first=True),
    "MatMul, Add, BatchNormalization": matmul_add(first=False, norm=True),
    "BatchNormalization": conv_batch_norm(),
    "BatchNormalization epsilon": batch_norm_epsilon(0.5, epsilon=0.75),
    "BatchNormalization default epsilon": batch_norm_epsilon(1e-5),
    "BatchNormalization behind a bias": conv_batch_norm(bias=True),
    "BatchNormalization, Relu": conv_batch_norm(relu=True),
    "BatchNormalization behind Add": conv_batch_norm(before=True),
    "BatchNormalization before Add": conv_batch_norm(after=True, relu=True),
    "BatchNormalization behind Gemm": gemm_batch_norm,
    "Clip": clip(-0.25, 0.5),
    "Clip without low": clip(None, 0.5),
    "Clip without high": clip(-0.25),
    "Clip without bounds": clip(),
    "Clip above 0": clip(0.25, 1.0),
    "Clip behind Relu": clip(-1.0, 0.5, before="Relu"),
    "Clip behind MaxPool": clip(0.0, 0.5, before="MaxPool"),
    "Relu": lambda m: m.node("Flatten", m.node("Relu", m.conv())),
    "Relu of the input": relu_of_the_input,
    "Relu whose producer feeds others": relu_whose_producer_feeds_others,
    "Add": residual,
    "Add to itself": added_to_itself,
    "Add of [C, 1, 1]": added_constant(5, 1, 1),
    "Add of [1, C, 1, 1]": added_constant(1, 5, 1, 1),
    "Add of one number": added_constant(),
    "Softmax": softmax(),
    "Softmax, Identity": softmax("Identity", axis=1),
}
