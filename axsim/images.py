"""Labelled images in one file: HDF5 as axsim writes it, or NumPy's .npz.

images.h5    /images uint8 [N, H, W, C]; /labels int64 [N] (optional); /class_names text (optional)
images.npz   the same under the names images or X, labels or Y, class_names or names
"""

import dataclasses
import io
import math
import os
import pathlib
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from .errors import ImageError, first_line
from .files import check_readable, replacing

LARGEST = 2**34  # bytes of pixels that a file may claim before anything is read


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """Images uint8 [N, H, W, C], labels int64 [N] or None, and the names of the classes, if known."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
            came = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
            raise ImageError(f"images must be uint8 [N, H, W, C], got {came}")
        if labels is None:
            return
        if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
            came = f"{labels.dtype} {labels.shape}" if isinstance(labels, np.ndarray) else type(labels).__name__
            raise ImageError(f"labels must be integers, one for each of the {len(images)} images, got {came}")
        if labels.min(initial=0) < 0:
            raise ImageError(f"labels must be 0 or more, got {labels.min()}")

    def __len__(self) -> int:
        return len(self.images)

    def first(self, count: int | None) -> "ImageSet":
        """Return the first `count` images (all when None or more than there are); raises ImageError below 1."""
        _check_limit(count)
        labels = None if self.labels is None else self.labels[:count]
        return ImageSet(self.images[:count], labels, self.class_names)


def load_images(path: str | os.PathLike[str], limit: int | None = None) -> ImageSet:
    """
    Read images from .h5 or .npz, the first `limit` of them if given.

    Raises
    ------
    ImageError
        If the file is missing or damaged, or arrays have the wrong shape or dtype; says what is expected.
    """
    path = pathlib.Path(path)
    check_readable(path, ImageError, "images must be an .h5 or .npz file")
    _check_limit(limit)
    try:
        if path.suffix.lower() == ".npz":
            return _checked(path, *_read_npz(path), limit)
        with h5py.File(path, "r") as file:
            return _checked(path, file.get("images"), file.get("labels"), file.get("class_names"), limit)
    except ImageError:
        raise
    except Exception as error:  # NumPy, zlib and HDF5 raise nearly anything on damaged content
        reason = first_line(error)
        raise ImageError(f"{path}: not a readable .h5 or .npz image file, truncated or damaged ({reason})") from None


def save_images(path: str | os.PathLike[str], images: ImageSet, about: dict[str, str], overwrite: bool = True) -> None:
    """Write images as HDF5, losslessly compressed, with `about` (origin, licence) as attributes of the file."""
    with replacing(path, overwrite) as temporary, io.BytesIO() as buffer:
        _write(buffer, images, about)
        temporary.write_bytes(buffer.getvalue())


def _write(buffer: io.BytesIO, images: ImageSet, about: dict[str, str]) -> None:
    with h5py.File(buffer, "w") as file:
        file.attrs.update(about)
        options = {"compression": "gzip", "compression_opts": 9, "shuffle": True, "fletcher32": True}
        chunk = (min(64, len(images)), *images.images.shape[1:])
        # Planes of one colour compress better than interleaved pixels: one chunk keeps its images together.
        file.create_dataset("images", data=images.images, chunks=chunk, **options)
        if images.labels is not None:
            file.create_dataset("labels", data=images.labels)
        if images.class_names:
            file.create_dataset("class_names", data=list(images.class_names), dtype=h5py.string_dtype())


def _read_npz(path: pathlib.Path) -> tuple[Any, Any, Any]:
    with np.load(path, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("not an archive of arrays; write it with numpy.savez")
        for name in archive.files:
            assert archive.zip is not None
            with archive.zip.open(name + ".npy") as member:
                version = np.lib.format.read_magic(member)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                size = math.prod(read(member)[0])
            if size > LARGEST:
                raise ImageError(f"{path}: {name} must have at most {LARGEST} elements, got {size}")
        names = [("images", "X"), ("labels", "Y"), ("class_names", "names")]
        images, labels, class_names = (next((archive[n] for n in pair if n in archive), None) for pair in names)
    return images, labels, class_names


def _checked(path: pathlib.Path, images: Any, labels: Any, class_names: Any, limit: int | None) -> ImageSet:
    """Check shapes and dtypes before anything large is read, then read."""
    if images is None or not hasattr(images, "ndim"):
        raise ImageError(f"{path}: has no images; expected uint8 [N, H, W, C] under 'images'")
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise ImageError(f"{path}: images must be uint8 [N, H, W, C] or [N, H, W], got {images.dtype} {images.shape}")
    if images.size > LARGEST:
        raise ImageError(f"{path}: images must have at most {LARGEST} bytes, got {images.size}")
    if images.shape[0] == 0:
        raise ImageError(f"{path}: has no images: shape {images.shape}")
    pixels = np.ascontiguousarray(images[:limit])
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    numbers = None
    if labels is not None:
        if not hasattr(labels, "ndim"):
            raise ImageError(f"{path}: labels must be a dataset of integers")
        if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
            raise ImageError(
                f"{path}: labels must be integers, one for each of the {len(images)} images, "
                f"got {labels.dtype} {labels.shape}"
            )
        numbers = np.asarray(labels[:limit]).astype(np.int64)
        if (numbers < 0).any():
            raise ImageError(f"{path}: labels must be 0 or more, got {numbers.min()}")
    names: tuple[str, ...] = ()
    if class_names is not None:
        names = tuple(n.decode() if isinstance(n, bytes) else str(n) for n in np.atleast_1d(class_names[()]).tolist())
    return ImageSet(pixels, numbers, names)


def _check_limit(limit: int | None) -> None:
    if limit is not None and (not isinstance(limit, int | np.integer) or limit < 1):
        raise ImageError(f"limit must be a whole number of 1 or more, got {limit!r}")
