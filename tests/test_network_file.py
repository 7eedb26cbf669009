"""Network files: what is saved is what is loaded, and whatever is wrong with a file is said in one line, by name."""

import dataclasses

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import OPERATORS, network_of, networks, random_images

import axsim
from axsim.errors import AxsimError, NetworkError
from axsim.networks.network_file import load, save, sign


@pytest.fixture
def saved(tmp_path):
    network = dataclasses.replace(
        network_of(["conv", "add", "max_pool"], 1, "affine"),
        about={"licence": "MIT", "source": "näme"},
    )
    path = tmp_path / "network.h5"
    network.save(path)
    return network, path


def same(one, other):
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


def assert_same_network(one, other):
    for field in ("name", "input_shape", "input", "preprocessing", "scheme", "class_names", "rounding", "shapes"):
        assert getattr(one, field) == getattr(other, field)
    assert dict(one.about) == dict(other.about)
    assert len(one.nodes) == len(other.nodes)
    for a, b in zip(one.nodes, other.nodes, strict=True):
        assert type(a) is type(b)
        for field in dataclasses.fields(a):
            assert same(getattr(a, field.name), getattr(b, field.name)), field.name


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("op", OPERATORS)
def test_round_trip_of_each_operator(op, scheme, tmp_path):
    network = network_of([op], 3, scheme)
    save(network, tmp_path / "n.h5")
    assert_same_network(network, axsim.load(tmp_path / "n.h5"))


def test_the_recipe_of_pictures_is_kept_and_may_be_missing(tmp_path):
    network = network_of(["conv"], 3)
    recipe = dataclasses.replace(network.preprocessing, fit="short_side", crop=0.875, interpolation="bicubic")
    save(dataclasses.replace(network, preprocessing=recipe), tmp_path / "n.h5")
    assert axsim.load(tmp_path / "n.h5").preprocessing == recipe
    with h5py.File(tmp_path / "n.h5", "r+") as file:
        for name in ("fit", "crop", "interpolation"):
            del file["input"].attrs[name]
    sign(tmp_path / "n.h5")
    assert axsim.load(tmp_path / "n.h5").preprocessing == network.preprocessing


def test_a_file_of_version_1_is_read(tmp_path):
    network = network_of(["conv", "depthwise"], 3, "symmetric")
    save(network, tmp_path / "n.h5")
    with h5py.File(tmp_path / "n.h5", "r+") as file:
        file.attrs["version"] = 1
        for group in file["nodes"].values():
            group.pop("weight_zero_point", None)
    sign(tmp_path / "n.h5")
    assert_same_network(network, load(tmp_path / "n.h5"))


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(networks())
def test_round_trip_of_any_network(tmp_path, network):
    save(network, tmp_path / "n.h5")
    loaded = load(tmp_path / "n.h5")
    assert_same_network(network, loaded)
    images = random_images(network, 2)
    assert np.array_equal(axsim.run(network, images).logits, axsim.run(loaded, images).logits)


def test_names_and_labels_survive(saved, tmp_path):
    network, _ = saved
    classes = network.shapes["logits"][0]
    named = dataclasses.replace(network, class_names=tuple(f"Klasse {i} ü" for i in range(classes)))
    save(named, tmp_path / "named.h5")
    assert_same_network(named, load(tmp_path / "named.h5"))


def test_twelve_hundred_nodes_keep_their_order(tmp_path):
    network = network_of(["requantize"] * 1200, 0)
    save(network, tmp_path / "long.h5")
    assert [node.name for node in load(tmp_path / "long.h5").nodes] == [node.name for node in network.nodes]


def test_an_existing_file_is_replaced_only_when_asked(saved):
    network, path = saved
    before = path.read_bytes()
    with pytest.raises(AxsimError, match="exists"):
        save(network, path, overwrite=False)
    assert path.read_bytes() == before


def test_nothing_is_left_behind_when_writing_fails(saved, tmp_path, monkeypatch):
    network, _ = saved

    def fail(path, format_name):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("axsim.signed_file.sign", fail)
    with pytest.raises(AxsimError, match="No space left on device"):
        save(network, tmp_path / "other.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.h5"]


@pytest.mark.parametrize("target", ["missing/n.h5", "."])
def test_where_no_file_can_be(saved, tmp_path, target):
    with pytest.raises(AxsimError, match="cannot write"):
        save(saved[0], tmp_path / target)


def test_missing_file(tmp_path):
    with pytest.raises(NetworkError, match="no such file"):
        load(tmp_path / "none.h5")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_truncated_at(saved, share):
    _, path = saved
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(NetworkError, match=r"network\.h5"):
        load(path)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_altered_byte_is_noticed(saved, data):
    """Before HDF5 sees it: its library dies of some of them."""
    _, path = saved
    content = bytearray(path.read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    altered = path.with_name("altered.h5")
    altered.write_bytes(content)
    with pytest.raises(NetworkError, match=r"altered\.h5") as caught:
        load(altered)
    assert "\n" not in str(caught.value)


def _set(name, value, group="/"):
    def change(file):
        file[group].attrs[name] = value

    return change


def _drop(name, group="/"):
    def change(file):
        del file[group].attrs[name]

    return change


def _dataset(name, value, group="/nodes/000_conv"):
    def change(file):
        del file[group][name]
        file[group][name] = value

    return change


def _link(file):
    file["nodes"]["999_conv"] = h5py.ExternalLink("/etc/passwd", "/")


def _loop(file):
    file["nodes"]["000_conv"]["loop"] = file["nodes"]


def _huge(file):
    del file["nodes/000_conv/weight"]
    file["nodes/000_conv"].create_dataset("weight", (2**20, 2**20), "i1", chunks=(2**10, 2**10))


CONV = "/nodes/000_conv"
RULES = [
    ("format", _set("format", "other"), "format must be"),
    ("no format", _drop("format"), "format must be"),
    ("version", _set("version", 3), "version must be from 1 to 2, got 3"),
    ("version text", _set("version", "one"), "version must be an integer"),
    ("scheme", _set("scheme", "odd"), "scheme must be one of symmetric, affine"),
    ("rounding", _set("rounding", "odd"), "rounding must be one of float"),
    ("shape", _set("shape", [3, 7], "/input"), "/input: shape must be 3 values"),
    ("zero shape", _set("shape", [3, 0, 6], "/input"), "input_shape must be"),
    ("std", _set("std", [1.0, 0.0, 1.0], "/input"), "std above 0"),
    ("nan mean", _set("mean", [np.nan, 0.0, 1.0], "/input"), "finite"),
    ("channels", _set("mean", [0.0], "/input"), "each of the 3 channels"),
    ("op", _set("op", "lstm", CONV), "op must be one of"),
    ("no op", _drop("op", CONV), "'op' is missing"),
    ("nan scale", _set("scale", np.nan, CONV), "scale must be a positive"),
    ("zero scale", _set("scale", 0.0, CONV), "scale must be a positive"),
    ("double scale", _set("scale", 0.1, CONV), "float32"),
    ("zero point", _set("zero_point", 300, CONV), "zero_point must be"),
    ("operand format", _set("format", "s4", CONV), "format must be 'u8' or 's8'"),
    ("clamp", _set("clamp", [5, -5], CONV), "clamp must be an ascending pair"),
    ("inputs", _set("inputs", ["nowhere"], CONV), "inputs must name earlier nodes"),
    ("own input", _set("inputs", ["0_conv"], CONV), "inputs must name earlier nodes"),
    ("two inputs", _set("inputs", ["input", "input"], CONV), "must have 1 inputs, got 2"),
    ("strides", _set("strides", [0, 1], CONV), "strides must be 1 or more"),
    ("pads", _set("pads", [-1, 0, 0, 0], CONV), "pads must be 0 or more"),
    ("groups", _set("groups", 2, CONV), "groups must divide"),
    ("text for a number", _set("groups", "one", CONV), "groups must be an integer"),
    ("weight dtype", _dataset("weight", np.zeros((1, 3, 1, 1), np.int16)), "weight must be of int8"),
    ("weight shape", _dataset("weight", np.zeros((1, 3, 1), np.int8)), "weight must have shape"),
    ("weight empty", _dataset("weight", np.zeros((0, 3, 1, 1), np.int8)), "must have"),
    ("bias length", _dataset("bias", np.zeros(99, np.int32)), "bias must have one entry"),
    ("nan weight scale", _dataset("weight_scale", None), "weight_scale must be"),
    ("duplicate name", _set("name", "0_conv", "/nodes/001_add"), "name must be used once"),
    ("external link", _link, "soft or external link"),
    ("loop", _loop, "nested deeper"),
    ("huge", _huge, "at most"),
]


@pytest.mark.parametrize(("change", "words"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_a_file_that_breaks_a_rule(saved, change, words):
    """Even where the digest is right: it guards against damage, not against other writers."""
    network, path = saved
    with h5py.File(path, "r+") as file:
        if words == "weight_scale must be":
            change = _dataset("weight_scale", np.full(len(network.layers[0].weight), np.nan, np.float32))
        change(file)
    sign(path)
    with pytest.raises(NetworkError, match=words) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_altered_value_is_told_by_the_digest(saved):
    _, path = saved
    with h5py.File(path, "r+") as file:
        file["nodes/000_conv"].attrs["zero_point"] = 1
    with pytest.raises(NetworkError, match="truncated or altered"):
        load(path)


def test_another_hdf5_file_is_told(tmp_path):
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["images"] = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(NetworkError, match="is this a network file"):
        load(tmp_path / "images.h5")
