"""Labelled images in one file: HDF5 as axsim writes it, or NumPy's .npz.

images.h5    /images uint8 [N, H, W, C]; /labels int64 [N] (optional); /class_names text (optional)
images.npz   the same under the names images or X, labels or Y, class_names or names
"""

import dataclasses
import os
import pathlib
import zipfile
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from .errors import ImageError
from .files import replacing

LARGEST = 2**34  # bytes of pixels that a file may claim before anything is read


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """Images uint8 [N, H, W, C], labels int64 [N] or None, and the names of the classes, if known."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def first(self, count: int | None) -> "ImageSet":
        """Return the first `count` images (all when None or more than there are)."""
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
    if not path.is_file():
        raise ImageError(f"{path}: no such file; images must be an .h5 or .npz file")
    if limit is not None and limit < 1:
        raise ImageError(f"limit must be 1 or more, got {limit}")
    try:
        if path.suffix == ".npz":
            return _checked(path, *_read_npz(path), limit)
        with h5py.File(path, "r") as file:
            return _checked(path, file.get("images"), file.get("labels"), file.get("class_names"), limit)
    except ImageError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, zipfile.BadZipFile, EOFError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ImageError(f"{path}: not a readable .h5 or .npz image file, truncated or damaged ({reason})") from None


def save_images(path: str | os.PathLike[str], images: ImageSet, about: dict[str, str], overwrite: bool = True) -> None:
    """Write images as HDF5, losslessly compressed, with `about` (origin, licence) as attributes of the file."""
    with replacing(path, overwrite) as temporary, h5py.File(temporary, "w") as file:
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
        names = [("images", "X"), ("labels", "Y"), ("class_names", "names")]
        images, labels, class_names = (next((archive[n] for n in pair if n in archive), None) for pair in names)
    return images, labels, class_names


def _checked(path: pathlib.Path, images: Any, labels: Any, class_names: Any, limit: int | None) -> ImageSet:
    """Check shapes and dtypes before anything large is read, then read."""
    if images is None or not hasattr(images, "dtype"):
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
        names = tuple(n.decode() if isinstance(n, bytes) else str(n) for n in np.asarray(class_names[:]).tolist())
    return ImageSet(pixels, numbers, names)
