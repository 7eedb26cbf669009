"""List the multipliers and their error under uniform operands."""

import argparse
from typing import Any

from ..text import text_table
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""


def run(given: argparse.Namespace) -> Result:
    """List families and example members."""
    from ..catalog import WIDTH, examples, families, multiplier

    data: dict[str, Any] = {"families": [], "examples": []}
    family_rows, rows = [], []
    for name, family in families().items():
        ranges = [f"{p.name}={p.low}..{p.high(WIDTH)}" for p in family.parameters] + ["signed=0..1"] * family.signed
        family_rows.append([name, ", ".join(ranges), family.summary])
        data["families"].append(
            {
                "name": name,
                "summary": family.summary,
                "citation": family.citation,
                "signed": family.signed,
                "parameters": [
                    {"name": p.name, "meaning": p.meaning, "low": p.low, "high": p.high(WIDTH), "default": p.default}
                    for p in family.parameters
                ],
            }
        )
    for name in examples():
        each = multiplier(name)
        m = each.moments()
        rows.append(
            [
                name,
                " x ".join(each.operands),
                f"{m.mean_error:.4g}",
                f"{m.standard_deviation:.4g}",
                f"{100 * m.mred:.3g} %",
                f"{m.wce}",
                f"{100 * m.error_rate:.1f} %",
            ]
        )
        data["examples"].append({"name": name, "operands": each.operands, **m.as_dict()})
    head = ["example", "operands", "mean error", "sigma", "MRED", "WCE", "error rate"]
    text = "\n".join(
        [
            text_table(["family", "parameters", "what it is"], family_rows, right_from=3),
            "",
            text_table(head, rows, right_from=2),
            "",
            "Uniform operands of the formats shown; `axsim moments NAME --operands s8,s8` as it serves signed ones.",
            "Mean error, sigma and WCE in LSB; MRED over non-zero products.",
            "All figures of one: axsim moments NAME",
        ]
    )
    return Result(text, data)
