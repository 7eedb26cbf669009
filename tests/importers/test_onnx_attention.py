"""Transformers' operators from ONNX: attention as exporters write it, class tokens, embeddings, GELU, and moves.

As in test_import_onnx.py, int8 logits are held against ONNX Runtime's float logits by their signal-to-noise ratio; and
every network equals the oracle bit for bit, through an approximate multiplier too.
"""

import dataclasses

import numpy as np
import pytest
import reference
from onnx_models import INFINITE, Model, converted, decibels, save

import axsim
from axsim.errors import ConversionError
from axsim.images import ImageSet
from axsim.importers.onnx import read_graph, read_model
from axsim.networks.preprocessing import Preprocessing

FAITHFUL = 25.0  # dB: softmax and normalisation quantize more coarsely than a convolution does
FEATURES, TOKENS, HEADS = 12, 12, 3  # of tokens made of images 3 x 9 x 7 in patches


def tokens(m):
    """[N, 12, 12]: a patch embedding as exporters write it."""
    patches = m.conv("x", (FEATURES, 3, 3, 2), strides=[2, 2], pads=[0, 0, 0, 1])  # [N, 12, 4, 4]
    flat = m.node("Reshape", m.node("Slice", patches, *map(m.constant, ([0], [3], [2]))), m.constant([0, FEATURES, -1]))
    return m.node("Transpose", flat, perm=[0, 2, 1])


def linear(m, x, inputs=FEATURES, outputs=FEATURES):
    return m.node("Add", m.floats(outputs), matmul(m, x, inputs, outputs))


def matmul(m, x, inputs, outputs):
    return m.node("MatMul", x, m.constant(m.rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)))


def mean_head(m, x, features=FEATURES):
    """Logits of the mean token."""
    return m.node("Gemm", m.node("ReduceMean", x, axes=[1], keepdims=0), m.weight(6, features), transB=1)


def heads(m, x):
    """[N, 3, 12, 4] of tokens [N, 12, 12]."""
    return m.node("Transpose", m.node("Reshape", x, m.constant([0, TOKENS, HEADS, 4])), perm=[0, 2, 1, 3])


def joined(m, x):
    return m.node("Reshape", m.node("Transpose", x, perm=[0, 2, 1, 3]), m.constant([0, TOKENS, FEATURES]))


def attention(m, q, k_transposed, v, scale):
    scores = m.node("MatMul", q, k_transposed)
    return m.node("MatMul", m.node("Softmax", m.node("Mul", scores, m.constant(scale)), axis=-1), v)


def fused_qkv(split):
    """One linear layer for q, k and v, parted along an axis in front of the batch."""

    def build(m):
        x = tokens(m)
        parts = m.node("Reshape", linear(m, x, outputs=3 * FEATURES), m.constant([-1, TOKENS, 3, HEADS, 4]))
        parts = m.node("Transpose", parts, perm=[2, 0, 3, 1, 4])
        if split:
            made = m.node("Split", parts, m.constant([1, 1, 1]), outputs=3, axis=0)
            q, k, v = (m.node("Squeeze", name, m.constant([0])) for name in (made, "spare", "spare_too"))
        else:
            q, k, v = (m.node("Gather", parts, m.constant(index), axis=0) for index in range(3))
        out = joined(m, attention(m, q, m.node("Transpose", k, perm=[0, 1, 3, 2]), v, 0.5))
        return mean_head(m, m.node("Add", x, linear(m, out)))

    return build


def scaled_operands(m):
    """Both operands scaled before they are multiplied; q, k and v from layers of their own."""
    x = tokens(m)
    q, k, v = (heads(m, linear(m, x)) for _ in range(3))
    q, k = m.node("Mul", q, m.constant(0.7)), m.node("Div", m.node("Transpose", k, perm=[0, 1, 3, 2]), m.constant(1.4))
    out = m.node("MatMul", m.node("Softmax", m.node("MatMul", q, k)), v)
    return mean_head(m, joined(m, out))


def without_heads(m):
    x = tokens(m)
    q, k, v = (linear(m, x) for _ in range(3))
    scores = m.node("Div", m.node("MatMul", q, m.node("Transpose", k, perm=[0, 2, 1])), m.constant(3.0))
    return mean_head(m, m.node("MatMul", m.node("Softmax", scores), v))


def for_every_image(m, constant, x):
    """The constant as often as there are images in x, as exporters write it."""
    batch = m.node("Gather", m.node("Shape", x), m.constant([0]), axis=0)
    dims = next(list(tensor.dims) for tensor in m.initializers if tensor.name == constant)
    return m.node("Expand", constant, m.node("Concat", batch, m.constant(dims[1:]), axis=0))


def class_token(choose):
    """A class token before the tokens, a position embedding, the class token's features at the end."""

    def build(m):
        x = tokens(m)
        x = m.node("Concat", for_every_image(m, m.floats(1, 1, FEATURES, scale=1), x), x, axis=1)
        x = m.node("Add", x, m.floats(1, TOKENS + 1, FEATURES, scale=1))
        q, k, v = (linear(m, x) for _ in range(3))
        scores = m.node("Softmax", m.node("MatMul", q, m.node("Transpose", k, perm=[0, 2, 1])))
        x = m.node("Add", x, m.node("MatMul", scores, v))
        if choose == "Gather":
            first = m.node("Gather", x, m.constant(0), axis=1)
        else:
            cut = m.node("Slice", x, *map(m.constant, ([0], [1], [1])))
            first = m.node("Squeeze", cut, m.constant([1])) if choose == "Squeeze" else m.node("Flatten", cut)
        return m.node("Gemm", first, m.weight(6, FEATURES), transB=1)

    return build


def constant_channels(m):
    x = m.conv()
    return m.node("Flatten", m.node("Concat", x, for_every_image(m, m.floats(1, 2, 7, 5), x), axis=1))


def gelu(order):
    """GELU multiplied out in several orders, of tokens."""

    def build(m):
        x = linear(m, tokens(m))
        half, one = m.constant(0.5), m.constant(1.0)
        root = m.constant(np.sqrt(2)) if order != "by product" else m.constant(1 / np.sqrt(2))
        inner = m.node("Mul" if order == "by product" else "Div", x, root)
        shifted = m.node("Add", m.node("Erf", inner), one)
        if order == "half first":
            y = m.node("Mul", m.node("Mul", x, half), shifted)
        elif order == "half of the bracket":
            y = m.node("Mul", m.node("Mul", half, shifted), x)
        else:
            y = m.node("Mul", m.node("Mul", shifted, x), half)
        return m.node("Flatten", matmul(m, y, FEATURES, 5))

    return build


def of_tokens(change):
    return lambda m: m.node("Flatten", change(m, tokens(m)))


def of_images(change):
    return lambda m: m.node("Flatten", change(m, m.conv()))  # [N, 5, 7, 5]


def normalised(size, *, bias=True, **attributes):
    def change(m, x):
        parts = [m.constant(m.rng.uniform(0.5, 2, size)), *([m.floats(size)] if bias else [])]
        return m.node("LayerNormalization", x, *parts, **attributes)

    return change


def split_in(axis, sizes):
    """The parts in another order, the last one twice."""

    def change(m, x):
        parts = [m.node("Split", x, *([m.constant(sizes)] if sizes else []), outputs=2, axis=axis), "spare"]
        return m.node("Concat", parts[1], parts[0], parts[1], axis=axis)

    return change


NETWORKS = {
    "fused qkv, Split": fused_qkv(split=True),
    "fused qkv, Gather": fused_qkv(split=False),
    "operands scaled": scaled_operands,
    "without heads": without_heads,
    "class token, Gather": class_token("Gather"),
    "class token, Squeeze": class_token("Squeeze"),
    "class token, Flatten": class_token("Flatten"),
    "GELU": gelu("half last"),
    "GELU, half first": gelu("half first"),
    "GELU, half of the bracket": gelu("half of the bracket"),
    "GELU, factors": gelu("by product"),
    "LayerNormalization": of_tokens(normalised(FEATURES)),
    "LayerNormalization without bias": of_tokens(normalised(FEATURES, bias=False, axis=2, epsilon=0.5)),
    "LayerNormalization of matrices": of_images(normalised(5)),
    "LayerNormalization of flat": lambda m: normalised(175)(m, m.node("Flatten", m.conv())),
    "Softmax of features": of_tokens(lambda m, x: m.node("Softmax", x, axis=-1)),
    "Softmax of tokens": of_tokens(lambda m, x: m.node("Softmax", x, axis=1)),
    "Softmax of channels": of_images(lambda m, x: m.node("Softmax", x, axis=1)),
    "Softmax of rows": of_images(lambda m, x: m.node("Softmax", x, axis=-1)),
    "Softmax of flat": lambda m: matmul(m, m.node("Softmax", m.flat_linear(m.conv(), 175, 9)), 9, 5),
    "Concat on axis 2": of_images(lambda m, x: m.node("Concat", x, m.node("Relu", x), axis=2)),
    "Concat on axis 3": of_images(lambda m, x: m.node("Concat", m.node("Relu", x), x, axis=-1)),
    "Concat of features": of_tokens(lambda m, x: m.node("Concat", x, m.node("Relu", x), axis=2)),
    "Concat of a constant": constant_channels,
    "MatMul of images": of_images(lambda m, x: matmul(m, x, 5, 4)),
    "MatMul, Add of images": of_images(lambda m, x: m.node("Add", matmul(m, x, 5, 4), m.floats(4))),
    "Add of an image": of_images(lambda m, x: m.node("Add", x, m.floats(5, 7, 5))),
    "Add of a row": of_images(lambda m, x: m.node("Add", m.floats(5), x)),
    "Add of a token": of_tokens(lambda m, x: m.node("Add", x, m.floats(1, TOKENS, 1))),
    "Add behind a pool": of_images(
        lambda m, x: m.node("Add", m.node("MaxPool", x, kernel_shape=[2, 2]), m.constant(0.5))
    ),
    "Mul behind a conv": of_images(lambda m, x: m.node("Mul", x, m.constant(-1.5))),
    "Mul by channels": of_images(lambda m, x: m.node("Mul", m.floats(5, 1, 1), x)),
    "Transpose of images": of_images(lambda m, x: m.node("Transpose", x, perm=[0, 2, 3, 1])),
    "Transpose, batch last and back": of_images(
        lambda m, x: m.node("Transpose", m.node("Transpose", x, perm=[1, 3, 2, 0]), perm=[3, 1, 0, 2])
    ),
    "Reshape to rows": of_images(lambda m, x: m.node("Reshape", x, m.constant([0, 0, -1]))),
    "Reshape of tokens to images": of_tokens(
        lambda m, x: m.conv(m.node("Reshape", x, m.constant([0, 2, 12, 6])), (3, 2, 3, 3))
    ),
    "Unsqueeze and Squeeze": of_tokens(
        lambda m, x: m.node("Squeeze", m.node("Unsqueeze", x, m.constant([0, 2])), m.constant([0, 2]))
    ),
    "Slice of tokens": of_tokens(
        lambda m, x: m.node("Slice", x, *map(m.constant, ([1, 2], [INFINITE, 9], [1, 2], [3, 2])))
    ),
    "Gather of tokens": of_tokens(lambda m, x: m.node("Gather", x, m.constant([7, 2, 2]), axis=1)),
    "Split of tokens": of_tokens(split_in(1, [5, 7])),
    "Split in equal parts": of_tokens(split_in(2, None)),
}  # fmt: skip


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("case", NETWORKS)
def test_the_network_gives_the_logits_of_the_float_model(case, scheme, tmp_path):
    network, images, wanted = converted(NETWORKS[case], tmp_path, scheme)
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL
    for multiplier in (None, axsim.multiplier("drum:k=4")):
        assert np.array_equal(
            axsim.run(network, images[:2], multiplier).logits, reference.run(network, images[:2], multiplier)[0]
        )


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("case", ["fused qkv, Split", "without heads", "class token, Gather"])
def test_models_with_a_fixed_or_nameless_batch(case, batch, tmp_path):
    network, images, wanted = converted(NETWORKS[case], tmp_path, model=Model(batch=batch))
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL


def test_gelu_as_one_operator(tmp_path):
    model = Model(opset=20)
    network, images, wanted = converted(of_images(lambda m, x: m.node("Gelu", x)), tmp_path, model=model)
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL


def operators(build, tmp_path):
    model = Model()
    path = save(model, str(tmp_path / "model.onnx"), build(model))
    return read_graph(read_model(path), "graph").nodes


@pytest.mark.parametrize("case", ["fused qkv, Split", "fused qkv, Gather"])
def test_an_attention_block_is_two_products_and_four_rearrangements(case, tmp_path):
    nodes = operators(NETWORKS[case], tmp_path)
    counted = {op: sum(node.op == op for node in nodes) for op in ("rearrange", "matmul")}
    assert counted == {"rearrange": 5, "matmul": 2}  # one of them of the patches
    scores, product = (node for node in nodes if node.op == "matmul")
    assert (scores.attributes, product.attributes) == ({"factor": 0.5}, {"factor": 1.0})
    assert scores.name in next(node for node in nodes if node.op == "softmax").inputs


def test_factors_of_both_operands_go_into_the_product(tmp_path):
    nodes = operators(scaled_operands, tmp_path)
    assert not [node for node in nodes if node.op in ("scale", "product")]
    first = next(node for node in nodes if node.op == "matmul")
    assert first.attributes["factor"] == pytest.approx(0.7 / 1.4)


def test_moves_there_and_back_leave_nothing(tmp_path):
    nodes = operators(NETWORKS["Transpose, batch last and back"], tmp_path)
    assert sum(node.op == "rearrange" for node in nodes) <= 1
    nodes = operators(NETWORKS["Unsqueeze and Squeeze"], tmp_path)
    assert [node.op for node in nodes].count("rearrange") == 1  # of the patches, to tokens and flat


# Networks converted right, then spoiled in one place.


def spoil(network, op, **changes):
    nodes = list(network.nodes)
    index = next(index for index, node in enumerate(nodes) if node.op == op)
    nodes[index] = dataclasses.replace(nodes[index], **{key: make(nodes[index]) for key, make in changes.items()})
    return dataclasses.replace(network, nodes=tuple(nodes))


MUTATIONS = {
    "factor forgotten": ("fused qkv, Split", "matmul", {"factor": lambda node: 1.0}),
    "tokens upside down": ("class token, Gather", "rearrange", {"index": lambda node: node.index[:, ::-1].copy()}),
    "features reversed": ("LayerNormalization", "layer_norm", {"gamma": lambda node: node.gamma[::-1].copy()}),
    "no epsilon": ("LayerNormalization without bias", "layer_norm", {"epsilon": lambda node: 1e-12}),
    "embedding reversed": ("Add of an image", "constant", {"codes": lambda node: node.codes[::-1].copy()}),
}


@pytest.mark.parametrize("case", MUTATIONS)
def test_a_wrong_conversion_would_be_seen(case, tmp_path):
    build, op, changes = MUTATIONS[case]
    network, images, wanted = converted(NETWORKS[build], tmp_path)
    right = decibels(wanted, axsim.run(network, images).logits)
    assert decibels(wanted, axsim.run(spoil(network, op, **changes), images).logits) < min(FAITHFUL, right - 10)


REFUSED = {
    "Erf alone": (of_tokens(lambda m, x: m.node("Erf", x)), "Erf is supported as a part of GELU only"),
    "Mul of activations": (of_tokens(lambda m, x: m.node("Mul", x, x)), "Mul of two activations"),
    "Div of activations": (of_tokens(lambda m, x: m.node("Div", x, x)), r"\(Div\): must divide by a constant"),
    "Div of a constant": (of_tokens(lambda m, x: m.node("Div", m.constant(1.0), x)), "must divide by a constant"),
    "Div by zero": (of_tokens(lambda m, x: m.node("Div", x, m.constant(0.0))), "its weights must be finite"),
    "Mul behind a pool": (
        of_images(lambda m, x: m.node("Mul", m.node("MaxPool", x, kernel_shape=[2, 2]), m.constant(2.0))),
        "Mul or Div by a constant is supported behind",
    ),
    "MatMul of a constant": (
        of_tokens(lambda m, x: m.node("MatMul", m.floats(1, 7, TOKENS), x)),
        r"\(MatMul\): its left operand must not be constant",
    ),
    "MatMul across images": (
        lambda m: m.node("Flatten", m.node("MatMul", *[m.node("Transpose", tokens(m), perm=[1, 0, 2])] * 2)),
        r"\(MatMul\): its input must have the batch as its first axis",
    ),
    "MatMul of tokens by matrices": (
        of_tokens(lambda m, x: m.node("MatMul", heads(m, x), m.node("Transpose", x, perm=[0, 2, 1]))),
        r"ONNX model|must be of \[N, head, M, K\]",
    ),
    "Reshape across images": (
        lambda m: m.node("Flatten", m.node("Reshape", tokens(m), m.constant([-1, TOKENS // 2, FEATURES]))),
        r"\(Reshape\): must keep each image's 144 numbers together",
    ),
    "Split of the batch": (
        lambda m: m.node("Flatten", m.node("Split", tokens(m), outputs=2, axis=0)),
        r"\(Split\): must not split the batch",
    ),
    "Gather of images": (
        lambda m: m.node("Flatten", m.node("Gather", tokens(m), m.constant([0]), axis=0)),
        r"\(Gather\): must not choose images",
    ),
    "LayerNormalization of two axes": (
        of_images(lambda m, x: m.node("LayerNormalization", x, m.floats(7, 5), axis=2)),
        r"\(LayerNormalization\): must normalise over the last axis",
    ),
    "Concat of the batch": (
        of_tokens(lambda m, x: m.node("Concat", x, x, axis=0)),
        r"\(Concat\): must be along an axis of the images or tokens",
    ),
    "tanh GELU": (
        of_tokens(lambda m, x: m.node("Gelu", x, approximate="tanh")),
        r"\(Gelu\): approximate must be none",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_models_that_are_refused(case, tmp_path):
    build, words = REFUSED[case]
    model = Model(opset=20 if "GELU" in case else 17)
    path = save(model, str(tmp_path / "model.onnx"), build(model))
    recipe = Preprocessing(255.0, (0.5,) * 3, (0.25,) * 3)
    with pytest.raises(ConversionError, match=words) as caught:
        axsim.convert(path, ImageSet(np.zeros((2, 9, 7, 3), np.uint8)), recipe)
    assert "\n" not in str(caught.value)
