"""One run of a sweep: what it is of, the key by which it is known, and the function that does it in any process."""

import dataclasses
import datetime
import functools
import hashlib
import json
import os
import socket
import threading
import time
from typing import Any, Literal

from ..errors import AxsimError
from ..images import ImageSet
from ..images.image_set import StreamedImages
from ..inference.accuracy import Accuracy
from ..inference.engine import Run, run
from ..injection import ErrorModel, inject
from ..injection.distributions import Distribution
from ..networks.network import Network
from .sources import ImagesSource, MultiplierSource, NetworkSource, SourceChangedError, Watched, changed, code_digest

KEY_VERSION = 1  # of what stands in a key
ALL = "all"  # the name of the set of all layers
_ONE_AT_A_TIME = threading.Lock()  # Numba's workqueue, entered from two threads, aborts the process


@dataclasses.dataclass(frozen=True)
class InjectedErrors:
    """
    Errors drawn in place of a multiplier's: see `axsim.ErrorModel`, and `seed` of `axsim.inject`.

    With `table` they are drawn from the errors of that multiplier, as it serves the network's first layer with weights;
    mean and std that are None are then its own.
    """

    mean: float | None
    std: float | None
    relative: bool = False
    distribution: Distribution = "normal"
    table: MultiplierSource | None = None
    per: Literal["accumulator", "product"] = "accumulator"
    seed: int = 0

    def model(self, network: Network) -> ErrorModel:
        """Return the error model for this network; raises AxsimError if a value is out of range."""
        if self.table is None:
            return ErrorModel(self.mean or 0.0, self.std or 0.0, self.relative, self.distribution, self.per)
        served = self.table.load().serving(*network.operands(network.weight_layers[0]))
        model = ErrorModel.empirical(served, self.relative, self.per)
        given = {"mean": self.mean, "std": self.std}
        return dataclasses.replace(model, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True)
class Task:
    """
    A run to be done: images through a network, some of whose layers go through multipliers or take injected errors.

    Attributes
    ----------
    network, images
    layers : tuple of str
        The layers that do not run exactly.
    multipliers : tuple of MultiplierSource
        One for all of these layers, or one for each; none if errors are injected.
    injected : InjectedErrors, optional
    layers_name, multiplier_name : str
        What results are listed under: a set of layers, and a multiplier or a name for an assignment of many.
    code : str
        Digest of the sources that are to do it; see `sources.code_digest`.
    """

    network: NetworkSource
    images: ImagesSource
    layers: tuple[str, ...]
    multipliers: tuple[MultiplierSource, ...] = ()
    injected: InjectedErrors | None = None
    layers_name: str = ALL
    multiplier_name: str = ""
    code: str = dataclasses.field(default_factory=code_digest)

    @property
    def assignment(self) -> dict[str, MultiplierSource]:
        """The multiplier of each layer that does not run exactly."""
        several = self.multipliers * len(self.layers) if len(self.multipliers) == 1 else self.multipliers
        return dict(zip(self.layers, several, strict=True)) if several else {}

    @functools.cached_property
    def key(self) -> str:
        """sha256 (hex) of all that decides the result: digests of network, images, tables and code; settings."""
        parts: dict[str, Any] = {
            "version": KEY_VERSION,
            "network": self.network.digest,
            "images": self.images.digest,
            "code": self.code,
        }
        if self.injected is None:
            parts["multipliers"] = {layer: each.digest for layer, each in sorted(self.assignment.items())}
        else:
            table = self.injected.table and self.injected.table.digest
            parts["injected"] = dataclasses.asdict(self.injected) | {"table": table}
            parts["layers"] = sorted(self.layers)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def names(self) -> dict[str, Any]:
        """What the result is listed under, by column."""
        assigned = len(self.multipliers) > 1
        injected = self.injected
        used = "assignment" if assigned else "".join(each.name for each in self.multipliers)
        return {
            "network": self.network.name,
            "images": self.images.name,
            "multiplier": self.multiplier_name or used,
            "layers": self.layers_name,
            "assignment": json.dumps({name: each.name for name, each in self.assignment.items()}) if assigned else None,
            "mean": injected and injected.mean,
            "std": injected and injected.std,
            "relative": injected and int(injected.relative),
            "distribution": injected and (injected.table.name if injected.table else injected.distribution),
            "per": injected and injected.per,
            "seed": injected and str(injected.seed),  # up to 2^64 - 1, which no signed integer of SQLite holds
        }

    def __str__(self) -> str:
        names = self.names
        what = names["multiplier"] or f"errors of mean {names['mean']} and std {names['std']}"
        return f"{names['network']}, {what}, layers {names['layers']}, {names['images']}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """
    What a run gave; the last three say when and where, and are the only ones that differ from one time to another.

    Attributes
    ----------
    image_count, right1, right5 : int
        Images in all, and those right at top-1 and top-5.
    top1, top1_low, top1_high, top5, top5_low, top5_high : float
        Shares, with their 95 % intervals; see `axsim.inference.accuracy`.
    logits_sha256 : str
        Of the logits, float32 [N, classes]: equal digests, equal runs bit for bit.
    seconds : float
    worker : str
        Host and process.
    finished : str
        Date and time, UTC.
    """

    image_count: int
    right1: int
    right5: int
    top1: float
    top1_low: float
    top1_high: float
    top5: float
    top5_low: float
    top5_high: float
    logits_sha256: str
    seconds: float
    worker: str
    finished: str


def run_task(task: Task) -> Outcome:
    """
    Do a run; the network and the images are loaded once in each process.

    Raises
    ------
    SourceChangedError
        If a file, or the code, is not what it was when the sweep began.
    AxsimError
        As `axsim.run` and `axsim.inject`.
    """
    with _ONE_AT_A_TIME:
        start = time.perf_counter()
        if code_digest() != task.code:
            raise SourceChangedError(
                f"{socket.gethostname()}: the worker's axsim is not the one that began the sweep (digest of its "
                f"sources {task.code[:12]}, here {code_digest()[:12]}); install the same one everywhere"
            )
        network, images = task.network.load(), task.images.load(task.network)
        watched = Watched(images.images) if isinstance(images.images, StreamedImages) else None
        pixels = images.images if watched is None else watched
        if task.injected is None:
            chosen = {layer: each.load() for layer, each in task.assignment.items()}
            result = run(network, pixels, chosen)
        else:
            model = task.injected.model(network)
            result = inject(network, pixels, dict.fromkeys(task.layers, model), seed=task.injected.seed)
        if watched is not None and watched.seen.hexdigest(images.labels) != task.images.digest:
            raise changed(task.images.path, task.images.digest, watched.seen.hexdigest(images.labels))
        return _outcome(result, images, time.perf_counter() - start)


def _outcome(result: Run, images: ImageSet, seconds: float) -> Outcome:
    if images.labels is None:
        raise AxsimError("images must have labels for a sweep: it measures accuracy")
    measured: Accuracy = result.accuracy(images.labels)
    count = measured.images
    return Outcome(
        image_count=count,
        right1=round(measured.top1 * count),
        right5=round(measured.top5 * count),
        top1=measured.top1,
        top1_low=measured.top1_interval[0],
        top1_high=measured.top1_interval[1],
        top5=measured.top5,
        top5_low=measured.top5_interval[0],
        top5_high=measured.top5_interval[1],
        logits_sha256=hashlib.sha256(result.logits.astype("<f4").tobytes()).hexdigest(),
        seconds=seconds,
        worker=f"{socket.gethostname()}:{os.getpid()}",
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
    )
