"""Operand statistics as HDF5: format "axsim-statistics", version 1.

    first 512 bytes    a line of text with the sha256 of all that follows (see signed_file.py)
    /                  attributes: format, version, network (its name), network_sha256 (its digest), images
    /layers/NNN        one group a layer with weights in order of execution; attributes: name, pixels; datasets:
        tap_counts     int64 [groups K, 256], compressed
        sample         uint8 [groups K, n]
        second_moments float64 [groups, K (K + 1) / 2], the lower triangles; absent where the sample stands for them

Weights are not repeated: they are the network's, whose digest must be the one stored.
"""

import os
import pathlib
from typing import Any

import h5py
import numpy as np

from .. import signed_file
from ..errors import AxsimError
from ..files import check_readable
from ..networks.network import Network
from ..networks.nodes import WeightLayer
from .layer import LayerStatistics
from .network import NetworkStatistics, empty_statistics

FORMAT, VERSION = "axsim-statistics", 1
REMEDY = "gather the statistics again: axsim statistics"


def save_statistics(statistics: NetworkStatistics, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """
    Write the statistics, under a temporary name first.

    Raises AxsimError if `path` cannot be written, or exists and `overwrite` is false.
    """
    with signed_file.creating(path, FORMAT, overwrite) as file:
        file.attrs.update({"format": FORMAT, "version": VERSION, "network": statistics.network})
        file.attrs.update({"network_sha256": statistics.digest, "images": statistics.images})
        for index, (name, layer) in enumerate(statistics.layers.items()):
            group = file.create_group(f"layers/{index:04d}")
            group.attrs.update({"name": name, "pixels": layer.pixels})
            _write(group, "tap_counts", layer.tap_counts)
            _write(group, "sample", layer.sample)
            if layer.second_moments is not None:
                rows, columns = np.tril_indices(layer.weight.shape[1])
                _write(group, "second_moments", layer.second_moments[:, rows, columns])


def load_statistics(path: str | os.PathLike[str], network: Network) -> NetworkStatistics:
    """
    Read the statistics of `network`.

    Raises
    ------
    AxsimError
        If the file is missing, truncated, altered or malformed, or the statistics are of another network.
    """
    path = pathlib.Path(path)
    check_readable(path, AxsimError, "`axsim statistics` makes one")
    try:
        with signed_file.reading(path, FORMAT, REMEDY) as file:
            signed_file.check_links(file)
            version = signed_file.attribute(file, "version", int)
            if version != VERSION:
                raise AxsimError(f"version must be {VERSION}, got {version}; try a newer axsim")
            name, digest = (signed_file.attribute(file, each, str) for each in ("network", "network_sha256"))
            images = signed_file.attribute(file, "images", int)
            NetworkStatistics(name, digest, images, {}).check(network)
            groups = [file["layers"][key] for key in sorted(file["layers"])]
            layers = {
                node.name: _read(group, node, network)
                for group, node in zip(groups, network.weight_layers, strict=True)
            }
            return NetworkStatistics(name, digest, images, layers)
    except AxsimError as error:
        raise AxsimError(f"{path}: {error}") from None


def _write(group: h5py.Group, name: str, values: Any) -> None:
    options = {"compression": "gzip", "compression_opts": 2, "shuffle": True, "fletcher32": True} if values.size else {}
    group.create_dataset(name, data=values, **options)


def _read(group: h5py.Group, node: WeightLayer, network: Network) -> LayerStatistics:
    layer = empty_statistics(network, node)
    if group.attrs["name"] != node.name:
        raise AxsimError(f"{group.name}: name must be {node.name!r}, got {group.attrs['name']!r}")
    taps, depth = len(layer.tap_counts), layer.weight.shape[1]
    moments = None
    if "second_moments" in group:
        rows, columns = np.tril_indices(depth)
        packed = _array(group, "second_moments", np.float64, (layer.groups, len(rows)))
        moments = np.empty((layer.groups, depth, depth))
        moments[:, rows, columns] = moments[:, columns, rows] = packed
    counts = _array(group, "tap_counts", np.int64, (taps, 256))
    sample = _array(group, "sample", np.uint8, (taps, None))
    layer.restore(int(group.attrs["pixels"]), counts, sample, moments)
    return layer


def _array(group: h5py.Group, name: str, dtype: Any, shape: tuple[int | None, ...]) -> Any:
    dataset = group[name]
    fits = len(dataset.shape) == len(shape) and all(w in (None, s) for w, s in zip(shape, dataset.shape, strict=True))
    if dataset.dtype != dtype or not fits or dataset.external or dataset.is_virtual:
        raise AxsimError(f"{dataset.name} must be {np.dtype(dtype)} {shape}, got {dataset.dtype} {dataset.shape}")
    return dataset[()]
