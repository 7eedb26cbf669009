"""What runs are made of - networks, images, multipliers - by name, path and digest; loaded once in each process.

A source says where something lies and what it was when the sweep began. Whoever loads it, on whatever machine, gets
that or an error: a file that has changed never passes for what it was.
"""

import dataclasses
import functools
import os
import re
import warnings

import numpy as np
import numpy.typing as npt

from ..code_digest import code_digest as digest_of_code
from ..errors import AxsimError, AxsimWarning, NetworkError
from ..images import ImageSet, load_images
from ..images.image_set import ImageDigest, StreamedImages
from ..inference.engine import check_images
from ..multipliers import catalog
from ..multipliers.product_table import Multiplier
from ..networks.network import Network
from ..networks.network_file import load
from ..networks.preprocessing import Fit, Interpolation
from ..networks.shipped import NETWORKS

IN_MEMORY = 2**30  # bytes of images that a process keeps; more are read anew in every run
# Decides the logits, besides the kernels: rooms and files of axsim.
CODE = ("formats.py", "images", "inference", "injection", "multipliers/product_table.py", "networks")
Stamp = tuple[int, ...]


class SourceChangedError(AxsimError):
    """A file, or axsim itself, is no longer what it was when the sweep began."""


def code_digest() -> str:
    """sha256 (hex) of the sources that decide what a run gives: of the kernels, and of CODE."""
    return digest_of_code(*CODE)


@dataclasses.dataclass(frozen=True)
class NetworkSource:
    """A network: the `name` that results are listed under, the absolute `path` of its file, and its digest."""

    name: str
    path: str
    digest: str

    @classmethod
    def of(cls, given: str | os.PathLike[str], folder: str | os.PathLike[str] = ".") -> "NetworkSource":
        """Return the source of a network file, relative to `folder`, or of one that ships; raises as `axsim.load`."""
        path = _network_path(given, folder)
        return cls(os.fspath(given), path, load(path).digest)

    def load(self) -> Network:
        """Load it, or return what was loaded before; raises SourceChangedError if it has changed."""
        return _network(self, _stamp(self.path))


@dataclasses.dataclass(frozen=True)
class ImagesSource:
    """
    Images: the `name` that results are listed under, the absolute `path`, how they are read, and their digest.

    The options are those of `axsim.load_images`; fit, crop and interpolation take the place of the network's.
    """

    name: str
    path: str
    digest: str = ""
    limit: int | None = None
    labels: str | None = None
    label_offset: int = 0
    skip_corrupt: bool = False
    fit: Fit | None = None
    crop: float | None = None
    interpolation: Interpolation | None = None

    def read(self, network: Network) -> ImageSet:
        """Read the images as the network wants them, whatever their digest; raises ImageError."""
        changes = {name: getattr(self, name) for name in ("fit", "crop", "interpolation")}
        recipe = dataclasses.replace(
            network.preprocessing, **{name: value for name, value in changes.items() if value is not None}
        )
        images = load_images(
            self.path, self.limit, dataclasses.replace(network, preprocessing=recipe), labels=self.labels,
            label_offset=self.label_offset, skip_corrupt=self.skip_corrupt,
        )  # fmt: skip
        check_images(network, images.images)
        return images

    def load(self, network: NetworkSource) -> ImageSet:
        """Load them for a network, or return what was loaded before; raises SourceChangedError if they have changed."""
        return _images(self, network, _stamp(self.path))


@dataclasses.dataclass(frozen=True)
class MultiplierSource:
    """A multiplier: the `name` that results are listed under, the name that finds it from any folder, its digest."""

    name: str
    found_by: str
    digest: str

    @classmethod
    def of(cls, name: str, folder: str | os.PathLike[str] = ".") -> "MultiplierSource":
        """Return the source of what `axsim.multiplier` takes, files relative to `folder`; raises MultiplierError."""
        found_by = _multiplier_name(name, folder)
        return cls(name, found_by, catalog.multiplier(found_by).digest)

    def load(self) -> Multiplier:
        """Load it, or return what was loaded before; raises SourceChangedError if it has changed."""
        return _multiplier(self, _stamp(self.found_by))


class Watched(StreamedImages):
    """Images that are read from their files in every run: their digest is taken on the way, in the order of reading."""

    def __init__(self, images: StreamedImages) -> None:
        super().__init__(len(images), images.size)
        self._images, self.seen = images, ImageDigest(images)

    def read(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """See StreamedImages."""
        pixels = self._images[numbers]
        self.seen.add(pixels)
        return pixels


def changed(path: str, was: str, now: str) -> SourceChangedError:
    """Say that a file has changed, and what to do."""
    return SourceChangedError(
        f"{path}: has changed since the sweep began (digest {was[:12]}, now {now[:12]}); bring back what it was, or "
        "start the command again: finished runs are kept under what they were made from"
    )


@functools.lru_cache(maxsize=4)
def _network(source: NetworkSource, stamp: Stamp) -> Network:
    try:
        network = load(source.path)
    except NetworkError as error:
        raise SourceChangedError(f"{error} (it could be read when the sweep began)") from None
    if network.digest != source.digest:
        raise changed(source.path, source.digest, network.digest)
    return network


@functools.lru_cache(maxsize=2)
def _images(source: ImagesSource, network: NetworkSource, stamp: Stamp) -> ImageSet:
    images = source.read(network.load())
    if isinstance(images.images, StreamedImages) and int(np.prod(images.images.shape)) <= IN_MEMORY:
        images = dataclasses.replace(images, images=images.images[:])
    if images.digest != source.digest:
        raise changed(source.path, source.digest, images.digest)
    return images


@functools.lru_cache(maxsize=1024)
def _multiplier(source: MultiplierSource, stamp: Stamp) -> Multiplier:
    with warnings.catch_warnings():  # what looks wrong about it was said when the sweep was checked
        warnings.simplefilter("ignore", AxsimWarning)
        found = catalog.multiplier(source.found_by)
    if found.digest != source.digest:
        raise changed(source.found_by, source.digest, found.digest)
    return found


def _stamp(path: str) -> Stamp:
    """Return what changes when a file is written anew; () of what is no file."""
    try:
        about = os.stat(path)
    except OSError:
        return ()
    return about.st_mtime_ns, about.st_size, about.st_ino


def _network_path(given: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str:
    """Absolute path of a network file named relative to a folder, or of a network that ships."""
    path = os.path.abspath(os.path.join(folder, given))
    ships = os.fspath(given) in NETWORKS and not os.path.exists(path)
    return os.fspath(NETWORKS[os.fspath(given)].path) if ships else path


def _multiplier_name(name: str, folder: str | os.PathLike[str]) -> str:
    """Name of a multiplier that finds it from any folder: files, those within a derivation too, become absolute."""

    def absolute(text: str) -> str:
        return os.path.abspath(os.path.join(folder, text)) if catalog.PATH.search(text) else text

    whole = absolute(name)
    return whole if os.path.exists(whole) else re.sub(r"[^();]+", lambda part: absolute(part[0].strip()), name)
