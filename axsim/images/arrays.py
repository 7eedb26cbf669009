"""Images as arrays in one file: HDF5 as axsim writes it, or NumPy's .npz.

images.h5    /images uint8 [N, H, W, C]; /labels int64 [N] (optional); /class_names text (optional)
images.npz   the same under the names images or X, labels or Y, class_names or names

Images may also be int8: codes of an s8 network's input instead of pixels. All are taken as they are: of the network's
size. HDF5 of more than IN_MEMORY bytes is read as it is needed.
"""

import io
import math
import os
import pathlib
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ..errors import ImageError, first_line
from ..files import check_readable, replacing
from .image_set import ImageSet, Pixels, StreamedImages

LARGEST = 2**34  # bytes of pixels that an .npz may claim before anything is read
MOST_IMAGES, LARGEST_IMAGE = 2**26, 2**28  # what an .h5 may claim; LARGEST_IMAGE in bytes
IN_MEMORY = 2**28  # bytes of pixels that are read at once
CHUNK_CACHE = 2**26  # bytes


class StoredImages(StreamedImages):
    """Images in an HDF5 file, which stays open while they are in use."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        # A chunk holds many images: it stays unpacked while batches walk through it.
        self._file = h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE)
        shape = self._file["images"].shape
        super().__init__(shape[0], (*shape[1:], 1)[:3])

    def read(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """See StreamedImages."""
        stored = self._file["images"]
        try:
            if len(numbers) and np.array_equal(numbers, np.arange(numbers[0], numbers[0] + len(numbers))):
                pixels = stored[numbers[0] : numbers[0] + len(numbers)]
            else:
                pixels = np.array([stored[number] for number in numbers], np.uint8)
        except OSError as error:
            raise ImageError(f"{self._path}: damaged within its images ({first_line(error)})") from None
        return np.ascontiguousarray(pixels.reshape(len(numbers), *self.size))


def read_arrays(path: pathlib.Path, limit: int | None) -> ImageSet:
    """
    Read images from .h5 or .npz, the first `limit` of them if given.

    Raises
    ------
    ImageError
        If the file is missing or damaged, or arrays have the wrong shape or dtype; says what is expected.
    """
    check_readable(path, ImageError, "images must be a folder of pictures or an .h5 or .npz file")
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
    if images.dtype not in (np.uint8, np.int8) or images.ndim not in (3, 4):
        raise ImageError(
            f"{path}: images must be uint8 (or int8 codes) [N, H, W, C] or [N, H, W], got {images.dtype} {images.shape}"
        )
    if images.shape[0] == 0:
        raise ImageError(f"{path}: has no images: shape {images.shape}")
    if len(images) > MOST_IMAGES or math.prod(images.shape[1:]) > LARGEST_IMAGE:
        raise ImageError(
            f"{path}: must have at most {MOST_IMAGES} images of at most {LARGEST_IMAGE} bytes, got {images.shape}"
        )
    count = len(images) if limit is None else min(limit, len(images))
    pixels: Pixels
    in_memory = images.dtype == np.int8
    if not in_memory and isinstance(images, h5py.Dataset) and math.prod(images.shape[1:]) * count > IN_MEMORY:
        pixels = StoredImages(path).select(slice(limit))
    else:
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
