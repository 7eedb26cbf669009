"""Images with their labels: in memory, or read from files as they are needed."""

import copy
import dataclasses
import functools
import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ImageError


class StreamedImages:
    """Images that stay in their files: to slices and indices they answer as an array uint8 [N, H, W, C] would.

    Only what is asked for is in memory, so that a run needs the same memory for any number of images.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, count: int, size: tuple[int, int, int]) -> None:
        self.size = size  # H, W, C
        self._chosen: npt.NDArray[np.int64] = np.arange(count)

    def read(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Read these images of the source, uint8 [len(numbers), H, W, C]."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, H, W, C)."""
        return (len(self._chosen), *self.size)

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: Any) -> npt.NDArray[np.uint8]:
        chosen = self._chosen[index]
        pixels = self.read(np.atleast_1d(chosen))
        return pixels if np.ndim(chosen) else pixels[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[:], dtype)

    def select(self, index: Any) -> "StreamedImages":
        """Return a part of the images, not read yet."""
        part = copy.copy(self)
        part._chosen = self._chosen[index]
        return part


Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.int8] | StreamedImages


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """
    Images uint8 [N, H, W, C], labels int64 [N] or None, and the names of the classes, if known.

    Attributes
    ----------
    images : array or StreamedImages
        Of int8, they are no pixels but codes of an s8 network's input, such as features of sound quantized beforehand:
        the network's preprocessing does not touch them.
    labels : int64 [N] or None
    class_names : tuple of str
    skipped : tuple of str
        What was left out because it could not be read, each with the reason.
    """

    images: Pixels
    labels: npt.NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_pixels(self.images)
        labels = self.labels
        if labels is None:
            return
        if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.shape != self.images.shape[:1]:
            came = f"{labels.dtype} {labels.shape}" if isinstance(labels, np.ndarray) else type(labels).__name__
            raise ImageError(f"labels must be integers, one for each of the {len(self)} images, got {came}")
        if labels.min(initial=0) < 0:
            raise ImageError(f"labels must be 0 or more, got {labels.min()}")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.images.shape[1:]))
        where = "read from files as needed" if isinstance(self.images, StreamedImages) else f"{self.images.dtype}"
        labels = "without labels" if self.labels is None else "with labels"
        return f"<ImageSet: {len(self)} images {size}, {where}, {labels}>"

    @functools.cached_property
    def digest(self) -> str:
        """sha256 (hex) of pixels and labels: equal digests, equal accuracy, wherever the images come from."""
        content = ImageDigest(self.images)
        for start in range(0, len(self.images), 64):
            content.add(self.images[start : start + 64])
        return content.hexdigest(self.labels)

    def first(self, count: int | None) -> "ImageSet":
        """Return the first `count` images (all when None or more than there are); raises ImageError below 1."""
        check_limit(count)
        return self._part(slice(count))

    def after(self, count: int | None) -> "ImageSet":
        """Return what follows the first `count` images (all when None); raises ImageError if that is none."""
        check_limit(count)
        if count is not None and count >= len(self):
            raise ImageError(f"images must be more than the {count} that are left out, got {len(self)}")
        return self._part(slice(count, None))

    def _part(self, part: slice) -> "ImageSet":
        images = self.images.select(part) if isinstance(self.images, StreamedImages) else self.images[part]
        return dataclasses.replace(self, images=images, labels=None if self.labels is None else self.labels[part])


class ImageDigest:
    """The digest of an ImageSet, taken batch by batch while the images are read in their order."""

    def __init__(self, images: Pixels) -> None:
        codes = " int8" if images.dtype == np.int8 else ""
        self._content = hashlib.sha256(f"{images.shape}{codes}".encode())

    def add(self, pixels: npt.NDArray[Any]) -> None:
        """Take the next images, [B, H, W, C]."""
        self._content.update(np.ascontiguousarray(pixels).data)

    def hexdigest(self, labels: npt.NDArray[np.int64] | None) -> str:
        """Return the digest of all that was added, and of the labels, int64 [N]."""
        content = self._content.copy()
        if labels is not None:
            content.update(labels.astype("<i8").tobytes())
        return content.hexdigest()


def check_pixels(images: object) -> None:
    """Raise ImageError unless images are uint8 [N, H, W, C], in memory or streamed, or int8 codes in memory."""
    if isinstance(images, StreamedImages):
        return
    if not isinstance(images, np.ndarray) or images.dtype not in (np.uint8, np.int8) or images.ndim != 4:
        came = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise ImageError(f"images must be uint8 (or int8 codes) [N, H, W, C], got {came}")


def check_limit(limit: int | None) -> None:
    """Raise ImageError unless the limit is None or a whole number of 1 or more."""
    if limit is not None and (not isinstance(limit, int | np.integer) or limit < 1):
        raise ImageError(f"limit must be a whole number of 1 or more, got {limit!r}")
