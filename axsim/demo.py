"""What the demo does with what ships."""

from collections.abc import Sequence
from typing import Any

from .networks.shipped import NETWORKS, shipped

__all__ = ["IMAGES", "MULTIPLIERS", "NETWORK", "REPORT", "SHOWN_CLASSES", "classes_by_multiplier", "shipped"]

NETWORK, IMAGES = NETWORKS["resnet20-cifar10"].file, NETWORKS["resnet20-cifar10"].images
# Different characters: operands cut without bias, logarithms with and without their mean error corrected, columns left
# out under sign-magnitude, and a two's complement array whose small mean error is enough to ruin the network.
MULTIPLIERS = ("drum:k=4", "mitchell", "mbm", "truncated:v=6", "broken_array:h=2,v=5,signed=1")
REPORT = "axsim-report.html"
SHOWN_CLASSES = 20  # of so many images at most, the demo shows what each multiplier took them for


def classes_by_multiplier(network: Any, images: Any, multipliers: Sequence[Any], progress: Any) -> list[list[str]]:
    """
    Name each image's class: the right one, the exact run's and that of each multiplier, one row an image.

    network : Network; images : ImageSet with labels; multipliers : Multipliers; progress : of each run, as `axsim.run`.
    """
    from .inference.engine import run

    def name(number: int) -> str:
        return network.class_names[number].replace("_", " ") if network.class_names else str(number)

    runs = [run(network, images.images, each, progress=progress) for each in (None, *multipliers)]
    predicted = [[int(label) for label in images.labels], *(each.logits.argmax(axis=1).tolist() for each in runs)]
    return [[name(number) for number in row] for row in zip(*predicted, strict=True)]
