"""List the multipliers, their error under uniform operands, and what they cost."""

import argparse
import os
from typing import TYPE_CHECKING, Any

from ..text import text_table
from .arguments import operands, store_path
from .result import Result

if TYPE_CHECKING:
    from ..multipliers.costs import FpgaCosts
    from ..multipliers.listing import Row

SHOWN = {  # column: head, format, factor
    "mean_error": ("mean error", ".4g", 1),
    "standard_deviation": ("sigma", ".4g", 1),
    "nmed": ("NMED %", ".3g", 100),
    "mred": ("MRED %", ".3g", 100),
    "wce": ("WCE", ".0f", 1),
    "error_rate": ("wrong %", ".1f", 100),
    "power_mw": ("mW", ".3f", 1),
    "area_um2": ("um2", ".1f", 1),
    "delay_ns": ("ns", ".2f", 1),
}
FPGA_SHOWN = {
    "luts": ("LUTs", ".0f", 1),
    "luts_of_exact": ("of exact", ".2f", 1),
    "depth": ("depth", ".0f", 1),
    "frequency_mhz": ("MHz", ".1f", 1),
    "frequency_of_exact": ("of exact", ".2f", 1),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (all examples and circuits)")
    parser.add_argument("--families", action="store_true", help="list the families and their parameters instead")
    parser.add_argument("--operands", type=operands, metavar="W,X", help="as they serve these formats, such as s8,s8")
    parser.add_argument(
        "--fpga",
        choices=("ice40", "ecp5", "xilinx"),
        help="what axsim synth has found for this target, as columns luts, luts_of_exact, depth, frequency_mhz ...",
    )
    parser.add_argument("--store", metavar="FILE", help="where axsim synth has kept it (the user's own store)")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="such as 'mred<5%%' or 'power_mw<=0.3'; may be repeated",
    )
    parser.add_argument("--sort", metavar="COLUMN", help="such as mred or power_mw; --json names all columns")
    parser.add_argument("--descending", action="store_true", help="sort the largest first")
    parser.add_argument("--pareto", metavar="COST,ERROR", help="only those that no other beats, such as power_mw,mred")
    parser.add_argument(
        "--plot", metavar="FILE", help="write error over cost as PNG (power_mw and mred, or --pareto's)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the plot if it exists")


def run(given: argparse.Namespace) -> Result:
    """List families, or multipliers."""
    from ..errors import AxsimError
    from ..multipliers import listing
    from ..multipliers.catalog import multiplier, names

    if given.families:
        return _families()
    axes = (given.pareto or "power_mw,mred").split(",")
    if len(axes) != 2:
        raise AxsimError(f"--pareto must be two columns such as power_mw,mred, got {given.pareto!r}")
    cost, error = (listing.column(name.strip()) for name in axes)
    conditions = [listing.condition(text) for text in given.where]
    sort = None if given.sort is None else listing.column(given.sort)
    if given.plot:
        from ..files import check_output

        check_output(given.plot, given.overwrite, *given.names)
    fpga = _fpga_costs(given)
    rows = listing.rows([multiplier(name) for name in given.names or names()], given.operands, fpga)
    rows = [row for row in rows if all(each.holds(row) for each in conditions)]
    if given.plot:
        from ..multipliers.plots import pareto_plot

        pareto_plot(rows, cost, error, given.plot, given.overwrite)
    if given.pareto:
        rows = listing.pareto_front(rows, cost, error)
    if sort is not None:
        rows = listing.sorted_by(rows, sort, given.descending)
    shown = SHOWN | FPGA_SHOWN if fpga else SHOWN
    sources = {fpga[key].source for row in rows if (key := (row.multiplier.name, row.multiplier.digest)) in fpga}
    text = _listed(rows, shown, sources, given.plot)
    return Result(text, {"multipliers": [_data(row) for row in rows], "plot": given.plot, "fpga": sorted(sources)})


def _fpga_costs(given: argparse.Namespace) -> "dict[tuple[str, str], FpgaCosts]":
    """Read what is known of the target that is asked for, by multiplier."""
    from ..errors import AxsimError

    if given.fpga is None:
        if given.store is not None:
            raise AxsimError("--store needs --fpga: the target whose costs are shown")
        return {}
    from ..hardware.synthesis.comparison import from_store
    from ..hardware.synthesis.store import SynthesisStore

    path = store_path(given)
    if not os.path.exists(path):
        raise AxsimError(f"{path}: no such file; `axsim synth --all --target {given.fpga}` makes it")
    found = from_store(SynthesisStore(path), given.fpga)
    if not found:
        raise AxsimError(f"{path}: has nothing for {given.fpga}; run `axsim synth --all --target {given.fpga}`")
    return found


def _listed(rows: "list[Row]", shown: dict[str, tuple[str, str, int]], fpga: set[str], plot: str | None) -> str:
    sources = sorted({row.multiplier.costs.source for row in rows if row.multiplier.costs is not None})
    head = ["multiplier", "operands", *(head for head, _, _ in shown.values())]
    cells = [
        [
            row.multiplier.name,
            " x ".join(row.multiplier.operands),
            *(
                format(row.figures[name] * factor, form) if name in row.figures else "-"
                for name, (_, form, factor) in shown.items()
            ),
        ]
        for row in rows
    ]
    return "\n".join(
        [
            text_table(head, cells, right_from=2) if cells else "No multiplier meets these conditions.",
            "",
            "Uniform operands of the formats shown; mean error, sigma and WCE in LSB; MRED over non-zero products.",
            *(f"Costs: {source}; of the core alone, without what makes it signed." for source in sources),
            *(f"FPGA {source}; of exact: least LUTs, highest frequency." for source in sorted(fpga)),
            "Families and their parameters: axsim multipliers --families; all figures of one: axsim moments NAME.",
            *([f"Plot: {plot}"] if plot else []),
        ]
    )


def _data(row: "Row") -> dict[str, Any]:
    each = row.multiplier
    return {
        "name": each.name,
        "operands": each.operands,
        "table_sha256": each.digest,
        "source": each.source,
    } | row.figures


def _families() -> Result:
    from ..multipliers.catalog import WIDTH, families

    rows, data = [], []
    for name, family in families().items():
        ranges = [f"{p.name}={p.low}..{p.high(WIDTH)}" for p in family.parameters]
        ranges += [f"signed={family.default_signed}..1".replace("1..1", "1")] * family.signed
        rows.append([name, ", ".join([*ranges, *(rule.text for rule in family.rules)]), family.summary])
        data.append(
            {
                "name": name,
                "summary": family.summary,
                "citation": family.citation,
                "signed": family.signed,
                "unsigned": family.unsigned,
                "commutes": family.commutes,
                "keeps_zero": family.keeps_zero,
                "rules": [rule.text for rule in family.rules],
                "parameters": [
                    {"name": p.name, "meaning": p.meaning, "low": p.low, "high": p.high(WIDTH), "default": p.default}
                    for p in family.parameters
                ],
                "examples": list(family.examples),
            }
        )
    text = text_table(["family", "parameters", "what it is"], rows, right_from=3)
    return Result(text + "\n\nA member is named family:parameter=value,...: drum:k=4", {"families": data})
