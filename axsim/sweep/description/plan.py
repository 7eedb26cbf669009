"""From a description to tasks: everything that it names is looked at once, before anything runs."""

import dataclasses
import fnmatch
import itertools
import os
from collections.abc import Callable, Iterator, Sequence

from ...comparison.compare import check_labels
from ...errors import AxsimError
from ...injection import ErrorModel
from ...multipliers.product_table import Multiplier
from ...networks import network as networks
from ...networks.shipped import NETWORKS, shipped
from ..sources import ImagesSource, MultiplierSource, NetworkSource
from ..tasks import ALL, InjectedErrors, Task
from .multipliers import found, is_pattern
from .read import EACH, Description, Images, Injection, Network

Layers = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class LayerSet:
    """Layers that do not run exactly, under a name; those of them with weights take injected errors."""

    name: str
    layers: Layers
    with_weights: Layers


@dataclasses.dataclass(frozen=True)
class Grid:
    """A grid of injected errors, its table found."""

    of: Injection
    table: MultiplierSource | None

    def __iter__(self) -> Iterator[InjectedErrors]:
        of = self.of
        for mean, std, seed in itertools.product(of.mean, of.std, of.seeds):
            yield InjectedErrors(mean, std, of.relative, of.distribution, self.table, of.per, seed)

    def __len__(self) -> int:
        return len(self.of.mean) * len(self.of.std) * len(self.of.seeds)


@dataclasses.dataclass(frozen=True)
class Part:
    """Every combination of one network's sets of layers, images, multipliers and injected errors."""

    network: NetworkSource
    images: tuple[ImagesSource, ...]
    sets: tuple[LayerSet, ...]
    multipliers: tuple[MultiplierSource, ...]
    grids: tuple[Grid, ...]

    def tasks(self) -> Iterator[Task]:
        """Yield the tasks: multiplier by multiplier, then the injected errors."""
        for multiplier in self.multipliers:
            for images, chosen in itertools.product(self.images, self.sets):
                yield Task(self.network, images, chosen.layers, (multiplier,), layers_name=chosen.name)
        for errors in itertools.chain.from_iterable(self.grids):
            for images, chosen in itertools.product(self.images, self.sets):
                if chosen.with_weights:
                    yield Task(
                        self.network, images, chosen.with_weights, injected=errors, layers_name=chosen.name
                    )  # fmt: skip

    def __len__(self) -> int:
        injected = sum(1 for chosen in self.sets if chosen.with_weights) * sum(map(len, self.grids))
        return len(self.images) * (len(self.sets) * len(self.multipliers) + injected)


@dataclasses.dataclass(frozen=True)
class Plan:
    """All runs of a sweep; `notes` say what was left out, and why."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...]

    def tasks(self) -> Iterator[Task]:
        """Yield the tasks, one after the other: however many they are, they are never all in memory."""
        for part in self.parts:
            yield from part.tasks()

    def __len__(self) -> int:
        return sum(map(len, self.parts))


def plan(description: Description, progress: Callable[[int, int], None] = lambda done, total: None) -> Plan:
    """
    Load everything that a description names, and check that it goes together.

    Files are relative to the description's folder.

    Raises
    ------
    MistakesError
        Naming all mistakes, those found when it was read among them, each with its line.
    """
    made = _Planner(description, progress)
    description.refuse()
    return Plan(tuple(made.parts), tuple(made.notes))


class _Planner:
    """Goes through a description and notes its mistakes; `parts` and `notes` are what comes of it."""

    def __init__(self, description: Description, progress: Callable[[int, int], None]) -> None:
        self._mistakes, self._folder = description.mistakes, description.path.parent
        self.parts: list[Part] = []
        self.notes: list[str] = []
        self._named = [self._multipliers(number, name) for number, name in enumerate(description.multipliers)]
        grids = [self._grid(each) for each in description.injections]
        self._grids = [grid for grid in grids if grid is not None]
        for done, each in enumerate(description.networks):
            progress(done, len(description.networks))
            self._network(each)
        progress(len(description.networks), len(description.networks))

    def _multipliers(self, number: int, name: str) -> tuple[int, str, list[MultiplierSource]]:
        try:
            sources, left_out = found(name, self._folder)
        except AxsimError as error:
            self._mistakes.note(("multipliers", number), str(error))
            return number, name, []
        self.notes += [f"left out: {reason}" for reason in left_out]
        return number, name, sources

    def _grid(self, injection: Injection) -> Grid | None:
        pairs = [("mean", number, value or 0.0, 0.0) for number, value in enumerate(injection.mean)]
        pairs += [("std", number, 0.0, value or 0.0) for number, value in enumerate(injection.std)]
        for key, number, mean, std in pairs:
            try:
                ErrorModel(mean, std)
            except AxsimError as error:
                self._mistakes.note((*injection.place, key, number), str(error))
        try:
            table = None if injection.table is None else MultiplierSource.of(injection.table, self._folder)
        except AxsimError as error:
            self._mistakes.note((*injection.place, "table"), str(error))
            return None
        return Grid(injection, table)

    def _network(self, given: Network) -> None:
        if given.file is None:
            return
        try:
            source = NetworkSource.of(given.file, self._folder)
        except AxsimError as error:
            self._mistakes.note((*given.place, "file"), str(error))
            return
        network = source.load()
        images = tuple(
            each for one in given.images if (each := self._images(given.file, network, one)) is not None
        )  # fmt: skip
        sets = tuple(
            each for number, one in enumerate(given.layers) for each in self._sets(given, network, number, one)
        )
        used = {layer for each in sets for layer in each.layers}
        multipliers: dict[MultiplierSource, None] = {}
        for number, name, sources in self._named:
            multipliers |= dict.fromkeys(self._serving(network, sets, used, number, name, sources))
        self._check_grids(network)
        self.parts.append(Part(source, images, sets, tuple(multipliers), tuple(self._grids)))

    def _images(self, file: str, network: networks.Network, given: Images) -> ImagesSource | None:
        path = given.path
        if path is None and file not in NETWORKS:
            self._mistakes.note(
                given.place, f"{file}: has no images: add [[networks.images]] below it, with a path"
            )  # fmt: skip
            return None
        if path is None:
            name = NETWORKS[file].images
            where = os.fspath(shipped(name))
        else:
            name, where = path, os.path.abspath(self._folder / path)
        source = ImagesSource(
            name, where, limit=given.limit, labels=given.labels and os.path.abspath(self._folder / given.labels),
            label_offset=given.label_offset, skip_corrupt=given.skip_corrupt, fit=given.fit, crop=given.crop,
            interpolation=given.interpolation,
        )  # fmt: skip
        try:
            images = source.read(network)
            check_labels(network, images)
            if images.labels is None:
                raise AxsimError(f"{where}: has no labels; a sweep measures accuracy")
        except AxsimError as error:
            self._mistakes.note((*given.place, "path"), str(error))
            return None
        self.notes += [f"{name}: skipped {reason}" for reason in images.skipped]
        return dataclasses.replace(source, digest=images.digest)

    def _sets(self, given: Network, network: networks.Network, number: int, patterns: Layers) -> list[LayerSet]:
        names = [layer.name for layer in network.layers]
        weighted = {layer.name for layer in network.weight_layers}
        place = (*given.place, "layers", number)
        if patterns in ((ALL,), (EACH,)):
            groups = [(ALL, names)] if patterns == (ALL,) else [(name, [name]) for name in names]
        else:
            chosen: set[str] = set()
            for pattern in patterns:
                matched = [name for name in names if name == pattern or fnmatch.fnmatchcase(name, pattern)]
                if not matched:
                    self._mistakes.note(
                        place, f"layers must be of the network ({', '.join(names)}), got {pattern!r}"
                    )  # fmt: skip
                chosen.update(matched)
            without = [name for name in names if name in chosen and name not in weighted]
            if without and self._grids:
                self._mistakes.note(
                    place,
                    f"layers must have weights where errors are injected, and {', '.join(without)} have none; name the "
                    "others only, or describe the injections in a file of their own",
                )
            groups = [(", ".join(patterns), [name for name in names if name in chosen])]
        return [
            LayerSet(name, tuple(layers), tuple(layer for layer in layers if layer in weighted))
            for name, layers in groups
        ]

    def _serving(
        self,
        network: networks.Network,
        sets: Sequence[LayerSet],
        used: set[str],
        number: int,
        name: str,
        sources: list[MultiplierSource],
    ) -> Iterator[MultiplierSource]:
        """Yield those that serve the layers; one that was named and does not is a mistake, one of a pattern is not."""
        some = False
        for source in sources:
            reason = _unfit(network, sets, used, source.load())
            if reason is None:
                some = True
                yield source
            elif not is_pattern(name):
                self._mistakes.note(("multipliers", number), reason)
                return
        if not some and sources:
            self._mistakes.note(("multipliers", number), f"{name!r} matches nothing that serves {network.name}")

    def _check_grids(self, network: networks.Network) -> None:
        for grid in self._grids:
            try:
                if grid.table is not None:
                    InjectedErrors(None, None, table=grid.table).model(network)
                if network.bound_to is not None:
                    raise AxsimError(
                        f"{network.name} was compensated for {network.bound_to[0]}; errors are injected into exact "
                        "products: use the network that it was made from"
                    )
            except AxsimError as error:
                self._mistakes.note(grid.of.place, str(error))


def _unfit(network: networks.Network, sets: Sequence[LayerSet], used: set[str], multiplier: Multiplier) -> str | None:
    """Say why a multiplier cannot serve the layers of a network, or None if it can."""
    if network.bound_to is not None:
        name, digest = network.bound_to
        if multiplier.digest != digest or any(len(each.layers) < len(network.layers) for each in sets):
            return f"{network.name} was compensated for {name}, in all its layers, and is wrong with anything else"
    for layer in network.layers:
        if layer.name in used:
            try:
                multiplier.serving(*network.operands(layer))
            except AxsimError as error:
                return f"{network.name}, layer {layer.name}: {error}"
    return None
