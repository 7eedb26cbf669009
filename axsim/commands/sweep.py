"""Run many multipliers, layers and injected errors on many workers; can be stopped and taken up again."""

import argparse
import contextlib
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from ..errors import AxsimError
from ..progress import ProgressDisplay
from .arguments import count
from .result import Result

if TYPE_CHECKING:
    from ..sweep.description import Plan
    from ..sweep.session import Sweep
    from ..sweep.workers import Workers


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("description", metavar="FILE", help="which runs, .toml")
    parser.add_argument("--new", action="store_true", help="write a commented example to FILE instead")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE by the example if it exists")
    parser.add_argument("--check", action="store_true", help="check FILE and say what would be run, and run nothing")
    parser.add_argument(
        "--store", metavar="STORE", help="finished runs, for `axsim results`; those in it are not done again (FILE.db)"
    )
    parser.add_argument("--workers", type=count, metavar="N", help="processes on this machine (one a core)")
    parser.add_argument("--threads", type=count, metavar="N", help="of each process (the cores divided among them)")
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="a Dask scheduler instead: tcp://host:8786, or its --scheduler-file"
    )
    parser.add_argument(
        "--attempts", type=count, default=3, metavar="N", help="given to a run whose workers die of it (3)"
    )
    parser.add_argument("--retry-failed", action="store_true", help="try again what was given up before")


def run(given: argparse.Namespace) -> Result:
    """Sweep."""
    from ..sweep.session import sweep

    if given.new:
        return _new(given.description, given.overwrite)
    if given.dask is not None and (given.workers or given.threads):
        raise AxsimError("--workers and --threads are of this machine; a Dask cluster has its own (see docs/sweeps.md)")
    store = given.store or os.path.splitext(given.description)[0] + ".db"
    if os.path.realpath(store) == os.path.realpath(given.description):
        raise AxsimError(f"store must be another file than the description, got {store}")
    display = ProgressDisplay()
    try:
        if given.check:
            return _checked(given.description, display)
        done = sweep(
            given.description, store, lambda: _workers(given), retry_failed=given.retry_failed, phase=display.phase,
            on_stop=lambda number: _say("finishing what is running; Ctrl-C again abandons it"),
        )  # fmt: skip
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; finished runs are in {store}: {_again(given)}") from None
    finally:
        display.close()
    if done.summary.stopped and done.left:
        raise KeyboardInterrupt(
            f"stopped; {len(done.plan) - done.left} of {len(done.plan)} runs are in {store}: {_again(given)}"
        )
    return _result(done, store)


def _workers(given: argparse.Namespace) -> "Workers":
    if given.dask is not None:
        from ..sweep.workers.cluster import DaskWorkers

        workers = DaskWorkers(given.dask)
        _say(f"{workers}; more may come, and go")
        return workers
    from ..sweep.workers.local import LocalWorkers, cores

    return LocalWorkers(given.workers or cores(), given.threads, given.attempts)


def _new(path: str, overwrite: bool) -> Result:
    import importlib.resources

    from ..files import replacing

    text = (importlib.resources.files("axsim.sweep.description") / "example.toml").read_text("utf-8")
    with replacing(path, overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Result(f"Wrote {path}; look through it, then: axsim sweep {shlex.quote(path)}", {"description": path})


def _checked(description: str, display: ProgressDisplay) -> Result:
    from ..sweep.description import plan, read

    planned = plan(read(description), display.phase("checking"))
    return Result("\n".join([f"{description}: {len(planned)} runs", *_parts(planned)]), _plan_data(planned))


def _parts(planned: "Plan") -> list[str]:
    lines = []
    for part in planned.parts:
        injected = sum(map(len, part.grids))
        lines.append(
            f"  {part.network.name}: {len(part.multipliers)} multipliers and {injected} injected errors, "
            f"{len(part.sets)} sets of layers, {', '.join(images.name for images in part.images)}"
        )
    return [*lines, *(f"  {note}" for note in planned.notes)]


def _plan_data(planned: "Plan") -> dict[str, Any]:
    return {
        "runs": len(planned),
        "networks": [
            {
                "network": part.network.name,
                "images": [images.name for images in part.images],
                "layers": [chosen.name for chosen in part.sets],
                "multipliers": [multiplier.name for multiplier in part.multipliers],
                "injected": sum(map(len, part.grids)),
            }
            for part in planned.parts
        ],
        "notes": planned.notes,
    }


def _result(done: "Sweep", store: str) -> Result:
    summary = done.summary
    lines = [
        f"{len(done.plan)} runs: {summary.done} done now, {summary.stored} done before, {summary.failed} failed",
        *_parts(done.plan),
        *(f"  failed: {each.task}: {each.error}" for each in summary.failures),
        f"Store: {store}; to see it: axsim results {shlex.quote(store)}",
    ]
    data = _plan_data(done.plan) | {
        "store": store,
        "done": summary.done,
        "stored": summary.stored,
        "failed": summary.failed,
        "failures": [{**each.task.names, "error": each.error} for each in summary.failures],
    }
    failure = None
    if summary.failed:
        failure = AxsimError(
            f"{summary.failed} of {len(done.plan)} runs failed (axsim results {shlex.quote(store)} --failures); "
            "--retry-failed tries them again"
        )
    return Result("\n".join(lines), data, failure)


def _again(given: argparse.Namespace) -> str:
    store = [] if given.store is None else ["--store", given.store]
    return f"the same command goes on: {shlex.join(['axsim', 'sweep', given.description, *store])}"


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody may hear it
        print(f"\naxsim: {text}", file=sys.stderr, flush=True)
