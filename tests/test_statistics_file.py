"""Operand statistics on disk: the same after a round trip, refused where they are not the network's or not whole."""

import h5py
import numpy as np
import pytest
from networks import network_of, random_images

from axsim.errors import AxsimError
from axsim.networks.network_file import load, save
from axsim.signed_file import sign
from axsim.statistics.file import FORMAT, load_statistics, save_statistics
from axsim.statistics.measure import gather_statistics


@pytest.fixture
def saved(tmp_path):
    network = network_of(["conv", "depthwise", "grouped"], 4, "affine", (4, 6, 5))
    statistics = gather_statistics(network, random_images(network, 4), sampled_pixels=30)
    save_statistics(statistics, tmp_path / "s.h5")
    return network, statistics, tmp_path / "s.h5"


def test_round_trip(saved):
    network, statistics, path = saved
    found = load_statistics(path, network)
    assert (found.network, found.digest, found.images) == (network.name, network.digest, 4)
    assert list(found.layers) == list(statistics.layers)
    for name, layer in statistics.layers.items():
        for field in ("tap_counts", "sample", "weight", "weight_zero_point"):
            assert np.array_equal(getattr(found.layers[name], field), getattr(layer, field))
        assert found.layers[name].pixels == layer.pixels
        assert found.layers[name].has_covariances == layer.has_covariances
        if layer.has_covariances:
            assert np.array_equal(found.layers[name].covariances(), layer.covariances())


def test_of_another_network(saved):
    _, _, path = saved
    with pytest.raises(AxsimError, match="gather them again"):
        load_statistics(path, network_of(["conv", "depthwise", "grouped"], 5, "affine", (4, 6, 5)))


def test_the_digest_survives_the_file_and_changes_with_any_weight(saved, tmp_path):
    network, _, _ = saved
    save(network, tmp_path / "n.h5")
    assert load(tmp_path / "n.h5").digest == network.digest
    other = load(tmp_path / "n.h5")
    other.layers[0].weight.reshape(-1)[0] ^= 1
    assert other.digest != network.digest


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_truncated(saved, share):
    network, _, path = saved
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(AxsimError, match=r"s\.h5"):
        load_statistics(path, network)


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file["layers/0000"].attrs.update({"name": "other"}),
        lambda file: file.__delitem__("layers/0001"),
        lambda file: file["layers/0000"].__delitem__("tap_counts"),
        lambda file: (
            file["layers/0000"].__delitem__("sample") or file["layers/0000"].create_dataset("sample", data=1.0)
        ),
        lambda file: file.attrs.update({"version": 99}),
    ],
)
def test_malformed(saved, change):
    network, _, path = saved
    with h5py.File(path, "r+") as file:
        change(file)
    sign(path, FORMAT)
    with pytest.raises(AxsimError, match=r"s\.h5"):
        load_statistics(path, network)


def test_a_network_file_is_no_statistics_file(saved, tmp_path):
    network, _, _ = saved
    save(network, tmp_path / "n.h5")
    with pytest.raises(AxsimError, match="is this a statistics file"):
        load_statistics(tmp_path / "n.h5", network)


def test_not_overwritten_unasked(saved):
    _, statistics, path = saved
    with pytest.raises(AxsimError, match="exists"):
        save_statistics(statistics, path, overwrite=False)
