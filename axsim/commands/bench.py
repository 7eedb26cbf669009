"""Time the kernels side by side with NumPy and, where installed, ONNX Runtime."""

import argparse
import dataclasses
from typing import TYPE_CHECKING

from ..errors import AxsimError
from ..progress import ProgressDisplay
from ..text import text_table
from .arguments import counts, seconds
from .result import Result

if TYPE_CHECKING:
    from ..multipliers.product_table import Multiplier


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--threads", type=counts, default=None, metavar="N,...", help="thread counts (1 and all cores)")
    parser.add_argument("--seconds", type=seconds, default=0.6, metavar="S", help="for each contender of a shape (0.6)")
    parser.add_argument("--only", metavar="WORDS", help="only shapes whose name contains these words")
    parser.add_argument("--explain", metavar="NAME", help="say how that multiplier's table is multiplied, and why")


def run(given: argparse.Namespace) -> Result:
    """Time the kernels, or explain a plan."""
    import numba

    from ..bench import OUTSIDE, WORKLOADS, Timing, machine
    from ..bench import bench as timings_of
    from ..multipliers.catalog import multiplier

    if given.explain:
        return _explained(multiplier(given.explain))
    chosen = [each for each in WORKLOADS if (given.only or "").lower() in each.name.lower()]
    if not chosen:
        names = ", ".join(each.name for each in WORKLOADS)
        raise AxsimError(f"--only must be part of the name of a shape ({names}), got {given.only!r}")
    threads = given.threads or tuple(sorted({1, numba.config.NUMBA_NUM_THREADS}))
    display = ProgressDisplay()
    try:
        timings = timings_of(chosen, threads, given.seconds, display.phase("bench"))
    finally:
        display.close()
    outside = {(each.workload, each.threads): each.best for each in timings if each.contender == OUTSIDE}

    def row(each: Timing) -> list[str]:
        exact = outside.get((each.workload, each.threads))
        ratio = "-" if exact is None else f"{each.best / exact:.2f}"
        speeds = [f"{each.best:.1f}", f"{each.median:.1f}", ratio]
        return [each.workload, str(each.threads), each.contender, each.plan, *speeds]

    head = ["shape", "threads", "contender", "how", "best", "median", "of ONNX Runtime"]
    about = machine()
    text = "\n".join(
        [
            f"{about['cpu']}, {about['cores']} cores, tier {about['tier']}; GMAC/s, im2col included",
            "",
            text_table(head, [row(each) for each in timings], right_from=4),
        ]
    )
    return Result(text, {"machine": about, "timings": [dataclasses.asdict(each) for each in timings]})


def _explained(each: "Multiplier") -> Result:
    from ..formats import FORMATS
    from ..inference.plan import plan
    from ..inference.tier import tier

    rows = []
    for pair in ((w, x) for w in FORMATS for x in FORMATS):
        if each.operands in (("u8", "u8"), pair):
            chosen = plan(each.serving(*pair))
            rows.append([" x ".join(pair), chosen.kind, chosen.reason])
    names = ["operands", "plan", "why"]
    return Result(
        f"{each.name}, tier {tier()}\n\n" + text_table(names, rows, right_from=3),
        {"multiplier": each.name, "tier": tier(), "plans": [dict(zip(names, row, strict=True)) for row in rows]},
    )
