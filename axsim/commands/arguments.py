"""Arguments that several commands share, and the types of their values."""

import argparse
import dataclasses
import os
import re
from typing import TYPE_CHECKING, Literal

from ..errors import ImageError, NoLabelsError
from ..progress import ProgressDisplay

if TYPE_CHECKING:
    from ..images import ImageSet
    from ..images.load import Viewer
    from ..networks.network import Network
    from ..networks.preprocessing import Preprocessing

Labels = Literal["wanted", "needed", "unused"]
IMAGES_HELP = (
    "folder of JPEG or PNG pictures, or .h5 or .npz with images uint8 [N, H, W, C], or int8 codes of the "
    "network's input, and, if known, labels"
)


def add_images(parser: argparse.ArgumentParser, purpose: str = "", required: bool = True) -> None:
    """Add images and how they are read: what `images_for` reads."""
    parser.add_argument("--images", required=required, metavar="PATH", help=purpose + IMAGES_HELP)
    parser.add_argument("--limit", type=count, metavar="N", help="use the first N images")
    group = parser.add_argument_group("a folder of pictures")
    group.add_argument(
        "--labels",
        metavar="CSV",
        help="file with the columns file and class_index (labels.csv in the folder, FOLDER_labels.csv beside it, else "
        "one folder a class)",
    )
    group.add_argument(
        "--label-offset", type=int, default=0, metavar="N", help="added to each label: 1 for networks with a background"
    )
    group.add_argument("--skip-corrupt", action="store_true", help="leave out, and list, what cannot be read")
    group.add_argument(
        "--fit",
        choices=("crop", "short_side", "squash"),
        help="crop, then resize; resize the short side, then crop; or resize whatever the proportions (the network's)",
    )
    group.add_argument("--crop", type=float, metavar="SHARE", help="central share that is kept (the network's)")
    group.add_argument(
        "--interpolation",
        choices=("nearest", "bilinear", "bicubic", "lanczos"),
        help="resampling filter of Pillow (the network's)",
    )


def add_network_and_images(parser: argparse.ArgumentParser, labels: Labels = "wanted") -> None:
    """Add a network file and images: what `network_and_images` reads; `labels`: what they are to the command."""
    parser.add_argument("network", help="network file, .h5, or the name of one that ships (axsim networks)")
    add_images(parser)
    if labels != "needed":
        help_text = argparse.SUPPRESS if labels == "unused" else "go on without labels where a folder has none"
        parser.add_argument("--unlabelled", action="store_true", default=labels == "unused", help=help_text)


def add_accumulator(parser: argparse.ArgumentParser, bits: int = 32, taps: bool = True) -> None:
    """Add what `axsim.run` takes of the accumulators of an accelerator; their values are checked there."""
    group = parser.add_argument_group("accumulators")
    group.add_argument(
        "--accumulator-bits", type=int, default=bits, metavar="BITS", help=f"8 to 32, of the sum of products ({bits})"
    )
    group.add_argument("--overflow", default="wrap", metavar="wrap|saturate", help="of a sum that does not fit (wrap)")
    if taps:
        group.add_argument(
            "--accumulator-taps",
            type=count,
            metavar="TAPS",
            help="products, k ascending, after which a sum goes on to one of 32 bits: the rows of a mesh (all of them)",
        )


def network_and_images(given: argparse.Namespace, display: ProgressDisplay) -> "tuple[Network, ImageSet]":
    """Load both and check that they fit each other."""
    from ..comparison.compare import check_labels
    from ..inference.engine import check_images
    from ..networks.network_file import load

    check_fitting(given)
    network = load(given.network)
    network = dataclasses.replace(network, preprocessing=fitting(given, network.preprocessing))
    images = images_for(network, given, getattr(given, "unlabelled", False), display)
    check_images(network, images.images)
    check_labels(network, images)
    return network, images


def check_fitting(given: argparse.Namespace) -> None:
    """Raise ImageError where it is said how to fit pictures, and all that is read are files of arrays."""
    paths = [path for path in (given.images, getattr(given, "calibration", None)) if path is not None]
    if not all(os.path.isfile(path) for path in paths):
        return
    for name in ("fit", "crop", "interpolation", "skip_corrupt"):
        if getattr(given, name):
            raise ImageError(
                f"--{name.replace('_', '-')} is for a folder of pictures, got {paths[0] if paths else 'no images'}; "
                "images of other files are taken as they are"
            )


def images_for(network: "Viewer", given: argparse.Namespace, unlabelled: bool, display: ProgressDisplay) -> "ImageSet":
    """Load the images as a network, or a model that becomes one, wants them."""
    from ..images import load_images

    try:
        return load_images(
            given.images,
            given.limit,
            network,
            labels=given.labels,
            label_offset=given.label_offset,
            unlabelled=unlabelled,
            skip_corrupt=given.skip_corrupt,
            progress=display.phase("checking pictures") if os.path.isdir(given.images) else None,
        )
    except NoLabelsError as error:
        hint = ", or go on without them (--unlabelled)" if hasattr(given, "unlabelled") else ""
        raise NoLabelsError(error.folder, hint) from None


def fitting(given: argparse.Namespace, recipe: "Preprocessing") -> "Preprocessing":
    """Return the recipe with what the arguments say of fitting pictures."""
    changes = {name: getattr(given, name) for name in ("fit", "crop", "interpolation")}
    return dataclasses.replace(recipe, **{name: value for name, value in changes.items() if value is not None})


def skipped_lines(images: "ImageSet") -> list[str]:
    """Say which pictures were left out, and why."""
    if not images.skipped:
        return []
    return [f"{len(images.skipped)} skipped, which cannot be read:", *(f"  {reason}" for reason in images.skipped)]


def add_circuit(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """Add a multiplier, or `several`, and how circuits are made: multiplier or names, operands, width, from_table."""
    if several:
        parser.add_argument("names", nargs="*", metavar="NAME", help="for example drum:k=4, mul8u_FTA or mine.v")
    else:
        parser.add_argument("multiplier", help="for example drum:k=4, mul8u_FTA or mine.v")
    parser.add_argument(
        "--operands",
        type=wide_operands,
        metavar="W,X",
        help="as it serves these formats, such as s8,s8: an unsigned core by sign-magnitude",
    )
    parser.add_argument("--width", type=count, metavar="BITS", help="of each operand, 4 to 16 (8): a family's member")
    parser.add_argument(
        "--from-table", action="store_true", help="the 8-bit product table as minimised logic, whatever the multiplier"
    )


def store_path(given: argparse.Namespace) -> str:
    """Return the file of syntheses that is named, or the user's own."""
    from ..hardware.synthesis.store import default_path

    return str(given.store or default_path())


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


def wide_operands(text: str) -> tuple[str, str]:
    """Read a pair of operand formats of any width, such as u8 or s12, separated by a comma."""
    pair = text.split(",")
    if len(pair) != 2 or not all(re.fullmatch(r"[us][0-9]{1,2}", fmt) for fmt in pair):
        raise argparse.ArgumentTypeError(f"must be two formats such as s8,s8, or s12,s12 with --width 12, got {text!r}")
    return pair[0], pair[1]


count.__name__ = "whole number"  # argparse names the type in its message
counts.__name__ = "list of whole numbers"
seconds.__name__ = "number of seconds"
operands.__name__ = "pair of formats"
wide_operands.__name__ = "pair of formats"
numbers.__name__ = "list of numbers"
