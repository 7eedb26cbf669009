"""Top-1 and top-5 accuracy with what is known of it from so many images."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError

Logits = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Shares of `images` right, each with its 95 % Wilson interval (low, high).

    An image is right at top-k if fewer than k classes precede its label by logit; of equal logits, which int8 codes
    often are, the lower class comes first, as argmax has it.
    """

    images: int
    top1: float
    top1_interval: tuple[float, float]
    top5: float
    top5_interval: tuple[float, float]


def accuracy(logits: Logits, labels: Labels) -> Accuracy:
    """Accuracy of logits, real [N, classes], on labels, integer [N]; raises AxsimError where these do not fit."""
    shares = [float((ranks(logits, labels) < k).mean()) for k in (1, 5)]
    top1, top5 = ((share, wilson_interval(share, len(labels))) for share in shares)
    return Accuracy(len(labels), *top1, *top5)


def ranks(logits: Logits, labels: Labels) -> npt.NDArray[np.int64]:
    """Place of each image's label among the classes, int64 [N], 0 for the first; no such class: the last of all."""
    if not isinstance(labels, np.ndarray) or labels.shape != logits.shape[:1]:
        raise AxsimError(
            f"labels must be an array with one for each of the {len(logits)} images, "
            f"got {getattr(labels, 'shape', labels)}"
        )
    classes = np.arange(logits.shape[1])
    inside = np.clip(labels, 0, len(classes) - 1)
    own = np.take_along_axis(logits, inside[:, None], axis=1)
    before = (logits > own) | ((logits == own) & (classes < labels[:, None]))
    return np.where(labels == inside, before.sum(axis=1), np.iinfo(np.int64).max)


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share observed `count` times (E. B. Wilson, JASA 22(158), 1927)."""
    z = 1.959964
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(0.0, centre - half), min(1.0, centre + half)
