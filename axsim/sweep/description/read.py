"""A sweep's description as it is written: keys, kinds and ranges checked, nothing loaded yet."""

import dataclasses
import os
import pathlib
import tomllib
from typing import Any, Literal

from ...errors import AxsimError, MistakesError
from ...files import check_readable
from ...injection.distributions import DISTRIBUTIONS, Distribution
from ...injection.run import LARGEST_SEED
from ...networks.preprocessing import FITS, INTERPOLATIONS, Fit, Interpolation
from .lines import Path, lines
from .table import Mistakes, Table

EACH = "each"  # the layers one at a time
LARGEST = 2**24  # bytes of a description


@dataclasses.dataclass(frozen=True)
class Images:
    """Images of a network; `path` None stands for those that ship with it. See `axsim.load_images`."""

    place: Path
    path: str | None
    limit: int | None
    labels: str | None
    label_offset: int
    skip_corrupt: bool
    fit: Fit | None
    crop: float | None
    interpolation: Interpolation | None


@dataclasses.dataclass(frozen=True)
class Network:
    """A network file, or the name of one that ships; the sets of its layers, each a tuple of patterns; its images."""

    place: Path
    file: str | None
    layers: tuple[tuple[str, ...], ...]
    images: tuple[Images, ...]


@dataclasses.dataclass(frozen=True)
class Injection:
    """A grid of injected errors: every mean with every std and every seed."""

    place: Path
    mean: tuple[float | None, ...]
    std: tuple[float | None, ...]
    relative: bool
    distribution: Distribution
    table: str | None
    per: Literal["accumulator", "product"]
    seeds: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Description:
    """What a description says; `mistakes` are those found so far, to which `plan` adds."""

    path: pathlib.Path
    networks: tuple[Network, ...]
    multipliers: tuple[str, ...]
    injections: tuple[Injection, ...]
    mistakes: Mistakes

    def refuse(self) -> None:
        """Raise MistakesError if there are mistakes: all of them, each with its line."""
        if self.mistakes:
            raise MistakesError([f"{self.path}, line {line}: {text}" for line, text in self.mistakes.in_order()])


def read(path: str | os.PathLike[str]) -> Description:
    """
    Read a description; what is wrong within it is noted in its `mistakes`.

    Raises
    ------
    AxsimError
        If the file cannot be read.
    MistakesError
        If it is no TOML; says on which line.
    """
    path = pathlib.Path(path)
    check_readable(path, AxsimError, "`axsim sweep --new FILE` writes an example")
    if path.stat().st_size > LARGEST:
        raise AxsimError(f"{path}: a description must have at most {LARGEST} bytes, got {path.stat().st_size}")
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise MistakesError([f"{path}: is no text in UTF-8 ({error.reason} at byte {error.start})"]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MistakesError([f"{path}: is no TOML: {error}"]) from None
    mistakes = Mistakes(lines(text))
    table = Table(values, (), mistakes)
    networks = tuple(_network(each) for each in table.tables("networks"))
    multipliers = table.several("multipliers", (), _is_text, "names of multipliers")
    injections = tuple(_injection(each) for each in table.tables("injections"))
    table.end()
    if not networks:
        mistakes.note((), "there are no networks: add [[networks]] with a file")
    if not multipliers and not injections and "multipliers" not in values:
        mistakes.note((), "there is nothing to run: add multipliers = [...] or [[injections]]")
    return Description(path, networks, multipliers, injections, mistakes)


def _network(table: Table) -> Network:
    file = table.text("file")
    layers = table.several("layers", ("all",), _is_layers, f"'all', '{EACH}', or sets of layers, each a name or a list")
    images = tuple(_images(each) for each in table.tables("images"))
    table.end()
    if not images:
        images = (_images(Table({}, table.place, Mistakes({}))),)
    sets = tuple((each,) if isinstance(each, str) else tuple(each) for each in layers)
    return Network(table.place, file, sets, images)


def _images(table: Table) -> Images:
    found = Images(
        place=table.place,
        path=table.text("path", None),
        limit=table.whole("limit", None, 1),
        labels=table.text("labels", None),
        label_offset=table.whole("label_offset", 0),
        skip_corrupt=table.yes("skip_corrupt"),
        fit=table.text("fit", None, FITS),
        crop=table.number("crop", None, 0, 1),
        interpolation=table.text("interpolation", None, INTERPOLATIONS),
    )
    table.end()
    return found


def _injection(table: Table) -> Injection:
    drawn_from = table.text("table", None)
    nothing: tuple[float | None, ...] = (0.0,) if drawn_from is None else (None,)
    found = Injection(
        place=table.place,
        mean=table.numbers("mean", nothing),
        std=table.numbers("std", nothing),
        relative=table.yes("relative"),
        distribution=table.text("distribution", "normal", DISTRIBUTIONS),
        table=drawn_from,
        per=table.text("per", "accumulator", ("accumulator", "product")),
        seeds=table.several("seeds", (0,), _is_seed, "whole numbers from 0 to 2^64 - 1"),
    )
    table.end()
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_layers(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, list) and bool(value) and all(map(_is_text, value)))


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SEED
