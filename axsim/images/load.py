"""Reading images, whichever way they are kept."""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Protocol

from ..errors import ImageError
from ..networks.preprocessing import Preprocessing
from .arrays import read_arrays
from .folder import Listing, list_folder, read_folder
from .image_set import ImageSet, check_limit


class Viewer(Protocol):
    """Whom images are read for: a Network, or a model that becomes one (`axsim.conversion.convert.ModelInput`)."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How a picture becomes the input."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, if known."""

    @property
    def classes(self) -> int | None:
        """Number of classes, if known."""


def load_images(
    path: str | os.PathLike[str],
    limit: int | None = None,
    network: Viewer | None = None,
    *,
    labels: str | os.PathLike[str] | None = None,
    label_offset: int = 0,
    unlabelled: bool = False,
    skip_corrupt: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ImageSet:
    """
    Read images from a folder of JPEG and PNG pictures, or from an .h5 or .npz file of arrays.

    Pictures are fitted to the network by its own recipe and read as they are needed: the memory taken does not depend
    on their number. Arrays are taken as they are.

    Parameters
    ----------
    path : folder or file
        A folder holds pictures and labels.csv (columns file and class_index), or has FOLDER_labels.csv beside it, or
        holds one folder a class: named by the class's number, by its name in the network, or, where there are as many
        as classes, in alphabetical order. These are read one of each class in turn.
    limit : int, optional
        Only the first `limit` images.
    network : Network, optional
        Whose input the images become; a folder needs it.
    labels : path, optional
        A labels CSV that lies elsewhere.
    label_offset : int
        Added to every label: 1 for networks that have a class of background before those of the labels.
    unlabelled : bool
        Accept a folder without labels.
    skip_corrupt : bool
        Leave out pictures that cannot be read, and list them in `skipped`, rather than raise.
    progress : function of (pictures checked, pictures in all), optional

    Raises
    ------
    ImageError
        If anything is missing, damaged or of another form; says what and where, and what is expected.
    """
    path = pathlib.Path(path)
    check_limit(limit)
    if not os.path.isdir(path):  # False, too, for what no file can be named
        if labels is not None:
            raise ImageError(f"{path}: labels of arrays must be in their own file; a labels CSV is for a folder")
        images = read_arrays(path, limit)
    elif network is None:
        raise ImageError(f"{path}: is a folder; say for which network: load_images(path, network=network)")
    else:
        channels, height, width = network.input_shape
        table = None if labels is None else pathlib.Path(labels)
        found = list_folder(path, table, network.class_names, network.classes, unlabelled)
        part = None if found.labels is None else found.labels[:limit]
        listing = Listing(found.files[:limit], part, found.class_names)
        size = (height, width, channels)
        images = read_folder(path, size, network.preprocessing, listing, skip_corrupt, progress)
    if images.labels is None or not label_offset:
        return images
    return dataclasses.replace(images, labels=images.labels + label_offset)
