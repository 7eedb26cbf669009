"""Pictures in a folder, with their labels from a CSV file or from one folder a class."""

import csv
import dataclasses
import itertools
import os
import pathlib
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ImageError, NoLabelsError, first_line
from ..files import PICTURE_SUFFIXES
from ..networks.preprocessing import Preprocessing
from .image_set import ImageSet, StreamedImages
from .picture import MODES, read_picture

FILE_COLUMNS = ("file", "filename", "image", "path")
LABEL_COLUMNS = ("class_index", "label", "class", "target")
NAME_COLUMNS = ("class_name", "name")
THREADS = min(8, os.cpu_count() or 1)


class Pictures(StreamedImages):
    """Picture files, decoded and fitted to `size` (H, W, C) as they are needed, several at a time."""

    def __init__(self, files: Sequence[pathlib.Path], size: tuple[int, int, int], recipe: Preprocessing) -> None:
        if size[2] not in MODES:
            raise ImageError(f"pictures have 1 or 3 channels, but the network's input has {size[2]}; give an .h5 file")
        super().__init__(len(files), size)
        self._files, self._recipe = list(files), recipe

    def read(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """See StreamedImages."""
        out = np.empty((len(numbers), *self.size), np.uint8)
        with ThreadPoolExecutor(THREADS) as pool:  # Pillow decodes outside of Python's lock
            for index, pixels in enumerate(pool.map(self.picture, numbers.tolist())):
                out[index] = pixels
        return out

    def picture(self, number: int) -> npt.NDArray[np.uint8]:
        """Read one picture, uint8 [H, W, C]."""
        return read_picture(self._files[number], self.size, self._recipe)


@dataclasses.dataclass(frozen=True)
class Listing:
    """Files of a folder with their labels, if it has any, and the names of the classes, if it has all."""

    files: list[pathlib.Path]
    labels: list[int] | None = None
    class_names: tuple[str, ...] = ()


def read_folder(
    folder: pathlib.Path,
    size: tuple[int, int, int],
    recipe: Preprocessing,
    listing: Listing,
    skip_corrupt: bool,
    progress: Callable[[int, int], None] | None,
) -> ImageSet:
    """Read every picture once, so that a bad one is known now and not in the last hour of a run."""
    images = Pictures(listing.files, size, recipe)
    reasons = _check(images, progress)
    bad = [reason for reason in reasons if reason is not None]
    if bad and (not skip_corrupt or len(bad) == len(reasons)):
        remedy = "" if len(bad) == len(reasons) else "; mend or remove them, or skip them (--skip-corrupt)"
        count = "the only picture" if len(reasons) == 1 else f"{len(bad)} of {len(reasons)} pictures"
        raise ImageError(f"{folder}: {count} cannot be read: {'; '.join(bad[:3])}{' ...' * (len(bad) > 3)}{remedy}")
    good = np.array([reason is None for reason in reasons])
    labels = None if listing.labels is None else np.array(listing.labels, np.int64)[good]
    return ImageSet(images.select(good), labels, listing.class_names, tuple(bad))


def _check(images: Pictures, progress: Callable[[int, int], None] | None) -> list[str | None]:
    """Say of each picture why it cannot be read, or None where it can."""

    def reason(number: int) -> str | None:
        try:
            images.picture(number)
        except ImageError as error:
            return str(error)
        return None

    reasons: list[str | None] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused by our own rule
        warnings.simplefilter("ignore", UserWarning)  # odd EXIF, which harms nothing
        for done, each in enumerate(pool.map(reason, range(len(images))), 1):
            reasons.append(each)
            if progress is not None:
                progress(done, len(images))
    return reasons


def list_folder(
    folder: pathlib.Path,
    labels: pathlib.Path | None,
    class_names: Sequence[str],
    classes: int | None,
    unlabelled: bool,
) -> Listing:
    """
    Find the pictures of a folder and their labels.

    Labels come from `labels`, else from labels.csv in the folder or FOLDER_labels.csv beside it, else from the names of
    the folders that the pictures lie in. Raises ImageError where there are none, unless `unlabelled`.
    """
    beside = (folder / "labels.csv", folder.resolve().parent / f"{folder.resolve().name}_labels.csv")
    table = labels or next((path for path in beside if path.is_file()), None)
    if table is not None:
        return read_labels(table, folder)
    try:
        loose = _pictures(folder)
        groups = {
            entry.name: pictures
            for entry in sorted(folder.iterdir())
            if entry.is_dir() and not entry.name.startswith(".") and (pictures := _pictures(entry))
        }
    except OSError as error:
        raise ImageError(f"{folder}: cannot be read: {error.strerror}") from None
    if loose and groups:
        raise ImageError(
            f"{folder}: must hold pictures or one folder a class, got both ({loose[0].name} and {next(iter(groups))}/)"
            "; say with a labels CSV which picture is of which class"
        )
    if groups:
        numbers, names = class_numbers(folder, list(groups), class_names, classes)
        # One of each class in turn: the first N images are then of as many classes as can be.
        pairs = [[(file, number) for file in groups[name]] for name, number in zip(groups, numbers, strict=True)]
        turns = [pair for turn in itertools.zip_longest(*pairs) for pair in turn if pair is not None]
        return Listing([file for file, _ in turns], [number for _, number in turns], names)
    if not loose:
        raise ImageError(f"{folder}: has no pictures ({', '.join(PICTURE_SUFFIXES)}), nor folders that have")
    if not unlabelled:
        raise NoLabelsError(str(folder), ", or go on without them (unlabelled=True)")
    return Listing(loose)


def class_numbers(
    folder: pathlib.Path, names: list[str], class_names: Sequence[str], classes: int | None
) -> tuple[list[int], tuple[str, ...]]:
    """
    Class of each class folder: its name as a number, else the network's class of that name, else its place in order.

    The last only where there are as many folders as the network has classes: of a part, the places would be wrong.
    """
    if all(name.isdecimal() for name in names):
        return [int(name) for name in names], ()
    unknown = [name for name in names if name not in class_names]
    if class_names and not unknown:
        return [class_names.index(name) for name in names], ()
    if classes in (None, len(names)):
        return list(range(len(names))), tuple(names)
    raise ImageError(
        f"{folder}: its {len(names)} folders must be named by class number, or as the network names its classes, or be "
        f"as many as its {classes} classes, got {(unknown or names)[0]!r}; rename them, or give a labels CSV"
    )


def read_labels(table: pathlib.Path, folder: pathlib.Path) -> Listing:
    """
    Read a CSV whose first line names the columns: file and class_index (or label); class_name, if there.

    Files are sought beside the CSV, then in the folder. Class names are used where the CSV has those of all classes.
    """
    try:
        with open(table, encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
            file_column, label_column, name_column = (
                next((columns[name] for name in names if name in columns), None)
                for names in (FILE_COLUMNS, LABEL_COLUMNS, NAME_COLUMNS)
            )
            if file_column is None or label_column is None:
                came = ", ".join(columns) or "nothing"
                raise ImageError(
                    f"{table}: its first line must name the columns file and class_index, got {came[:100]}"
                )
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise ImageError(f"{table}: not a readable CSV file ({reason})") from None
    if not rows:
        raise ImageError(f"{table}: has no rows below its first line")
    names: dict[int, str] = {}
    lines: dict[str, int] = {}
    listing = Listing([], [])
    assert listing.labels is not None
    for line, row in rows:
        name, label = ((row[column] or "").strip() for column in (file_column, label_column))
        if not name or not label.isdecimal():
            raise ImageError(
                f"{table}, line {line}: must have a file and a class number of 0 or more, got {name!r}, {label!r}"
            )
        if name in lines:
            raise ImageError(f"{table}, line {line}: {name} stands there already, in line {lines[name]}")
        lines[name] = line
        listing.files.append(table.parent / name)
        listing.labels.append(int(label))
        if name_column is not None and row[name_column]:
            names[int(label)] = row[name_column].strip()
    _find(table, folder, list(lines), listing.files)
    complete = names and sorted(names) == list(range(len(names)))
    return dataclasses.replace(listing, class_names=tuple(names[i] for i in range(len(names))) if complete else ())


def _find(table: pathlib.Path, folder: pathlib.Path, names: list[str], files: list[pathlib.Path]) -> None:
    """Replace what does not lie beside the CSV by the file of that name in the folder; both missing is an error."""
    missing = []
    for index, name in enumerate(names):
        if not files[index].is_file():
            files[index] = folder / name
            if not files[index].is_file():
                missing.append(name)
    if missing:
        raise ImageError(
            f"{table}: {len(missing)} of {len(names)} files are missing in {table.parent} and {folder}, "
            f"the first is {missing[0]}"
        )


def _pictures(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in PICTURE_SUFFIXES and not entry.name.startswith(".")
    )
