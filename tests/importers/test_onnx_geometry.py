"""Windows of any geometry in ONNX models: the converted int8 network gives the float model's logits."""

import numpy as np
import onnxruntime
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx_models import FAITHFUL, Model, converted, decibels, pixels, save

import axsim
from axsim.images import ImageSet
from axsim.networks.preprocessing import Preprocessing


@st.composite
def windows(draw):
    """Attributes of a sliding window, and the image's height and width."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3)).map(list)
    kernel, strides = draw(pair), draw(pair)
    size = draw(st.tuples(st.integers(3, 11), st.integers(3, 11)))
    options = {"kernel_shape": kernel, "strides": strides}
    mode = draw(st.sampled_from(["none", "pads", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if mode == "pads":
        options["pads"] = [draw(st.integers(0, kernel[axis % 2] - 1)) for axis in range(4)]
    elif mode != "none":
        options["auto_pad"] = mode
    return options, size


ANY = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@ANY
@given(windows(), st.sampled_from([1, 2]), st.sampled_from([1, 2, 4]), st.sampled_from(["symmetric", "affine"]))
def test_convs_of_any_geometry(tmp_path, window, dilation, groups, scheme):
    options, size = window
    kernel, pads = options["kernel_shape"], options.get("pads", [0] * 4)
    assume(dilation == 1 or options.get("auto_pad") not in ("SAME_UPPER", "SAME_LOWER"))  # ONNX Runtime cannot
    assume(all(dilation * (kernel[axis] - 1) < size[axis] + pads[axis] + pads[axis + 2] for axis in (0, 1)))
    model = Model((4, *size))

    def build(m):
        return m.node(
            "Flatten", m.conv("x", (4, 4 // groups, *kernel), group=groups, dilations=[dilation] * 2, **options)
        )

    recipe = Preprocessing(255.0, (0.5,) * 4, (0.25,) * 4)
    path = save(model, str(tmp_path / "model.onnx"), build(model))
    images = pixels(12, model.shape[1:])
    network = axsim.convert(path, ImageSet(images), recipe, scheme=scheme)
    real = ((images.astype(np.float32) / 255 - 0.5) / 0.25).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"x": np.ascontiguousarray(real)})[0]
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL


@ANY
@given(
    windows(),
    st.sampled_from(["MaxPool", "AveragePool"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["symmetric", "affine"]),
)
def test_pools_of_any_geometry(tmp_path, window, op, ceil_mode, count_include_pad, scheme):
    options, size = window
    if options.get("auto_pad") in (
        "SAME_UPPER",
        "SAME_LOWER",
    ):  # ONNX Runtime has no window smaller than its stride then
        assume(all(side >= stride for side, stride in zip(options["kernel_shape"], options["strides"], strict=True)))
    options = {**options, "ceil_mode": int(ceil_mode)}
    if op == "AveragePool" and not ceil_mode:
        options["count_include_pad"] = int(count_include_pad)

    def build(m):
        return m.node("Flatten", m.node(op, m.conv("x", (3, 3, 1, 1)), **options))

    network, images, wanted = converted(build, tmp_path, scheme, model=Model((3, *size)))
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL
