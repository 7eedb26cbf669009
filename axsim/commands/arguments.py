"""Arguments that several commands share, and the types of their values."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..images import ImageSet
    from ..network import Network

IMAGES_HELP = "images: .h5 (images uint8 [N, H, W, C]; labels, if known) or .npz"


def add_network_and_images(parser: argparse.ArgumentParser) -> None:
    """Add a network file, images and their limit: what `network_and_images` reads."""
    parser.add_argument("network", help="network file, .h5")
    parser.add_argument("--images", required=True, metavar="FILE", help=IMAGES_HELP)
    parser.add_argument("--limit", type=count, metavar="N", help="use the first N images")


def network_and_images(given: argparse.Namespace) -> "tuple[Network, ImageSet]":
    """Load both and check that they fit each other."""
    from ..comparison import check_labels
    from ..engine import check_images
    from ..images import load_images
    from ..network_file import load

    network, images = load(given.network), load_images(given.images, given.limit)
    check_images(network, images.images)
    check_labels(network, images)
    return network, images


def count(text: str) -> int:
    """Read a whole number of 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def counts(text: str) -> tuple[int, ...]:
    """Read whole numbers of 1 or more, separated by commas."""
    return tuple(count(part) for part in text.split(","))


def seconds(text: str) -> float:
    """Read a duration, at most an hour."""
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 3600, got {text}")
    return value


def numbers(text: str) -> tuple[float, ...]:
    """Read numbers separated by commas."""
    return tuple(float(part) for part in text.split(","))


def operands(text: str) -> tuple[str, str]:
    """Read a pair of operand formats, u8 or s8, separated by a comma."""
    pair = text.split(",")
    if len(pair) != 2 or any(fmt not in ("u8", "s8") for fmt in pair):
        raise argparse.ArgumentTypeError(f"must be two of u8 and s8 such as s8,s8, got {text!r}")
    return pair[0], pair[1]


count.__name__ = "whole number"  # argparse names the type in its message
counts.__name__ = "list of whole numbers"
seconds.__name__ = "number of seconds"
operands.__name__ = "pair of formats"
numbers.__name__ = "list of numbers"
