"""An assignment as plain text and as plain data."""

import math
from typing import Any

from ..text import percent, text_table
from .assign import Assigned
from .runs import Measured


def assigned_text(of: Assigned) -> str:
    """Table of the layers, the front beside the cheapest uniform assignments, and what it took to find it."""
    problem, chosen = of.problem, of.chosen
    rows = [
        [
            layer,
            problem.kind(layer),
            f"{problem.multiplications[row]:,}",
            problem.names[column],
            f"{problem.cost[row, column] / problem.cost[row, problem.exact]:.3f}",
            f"{problem.cost[row, column]:.4f}",
            f"{of.found.damages[row, column]:.2e}",
        ]
        for row, (layer, column) in enumerate(zip(problem.layers, chosen.choice, strict=True))
    ]
    exact = len(problem.network.layers) - len(problem.layers)
    lines = [
        f"{problem.network.name}, budget {of.budget}{', compensated' if of.network.bound_to else ''}:",
        "",
        text_table(
            ["layer", "kind", "multiplications", "multiplier", "its cost", "energy", "damage, nats"], rows
        ),
        "",
        f"energy {chosen.energy:.4f} of all layers on {problem.names[problem.exact]} ({problem.cost_of}); "
        f"{_lost(chosen)} on {chosen.images} held-out images (exact {percent(of.exact_top1)})",
        *([f"{exact} products of two activations stay exact and are not counted"] if exact else []),
        *_beside_uniform(of),
        "",
        "Front, on the held-out images:",
        "",
        text_table(["energy", "damage, nats", "top-1 lost", "95 % interval"], [_cells(one) for one in of.front]),
        "",
        *search_lines(of),
    ]  # fmt: skip
    return "\n".join(lines)


def search_lines(of: Assigned) -> list[str]:
    """Say how the assignment was found, and how many runs of what it took."""
    found = of.found
    rounds = ", ".join(f"{each.runs} ({each.typical:.2f}, {each.largest:.2f})" for each in found.rounds)
    return [
        f"chosen by {len(found.measured)} bit-exact runs of {of.calibration_images} calibration images, and "
        f"{of.injected_images:,} images with injected errors for the sensitivities, "
        f"{of.injected_images / of.calibration_images:.0f} such runs' worth",
        f"runs a round, and the typical and largest factor between predicted and measured damage: {rounds}; "
        + ("predicted and measured front agree" if found.agreed else "they do not agree yet: more runs (--runs) go on"),
        "held-out images took no part in the choice; uniform assignments are compared on them alone, in their favour",
    ]


def assigned_data(of: Assigned) -> dict[str, Any]:
    """Everything as plain numbers and text, for JSON."""
    problem = of.problem
    return {
        "network": problem.network.name,
        "budget": str(of.budget),
        "cost": problem.cost_of,
        "all_exact": problem.names[problem.exact],
        "compensated": of.network.bound_to is not None,
        "layers": problem.named(of.chosen.choice),
        "exact_top1": of.exact_top1,
        "held_out": {
            "chosen": _data(of, of.chosen),
            "front": [_data(of, one) for one in of.front],
            "uniform": [_data(of, one) for one in of.uniform],
        },
        "calibration": {
            "images": of.calibration_images,
            "exact_top1": of.calibration_top1,
            "chosen": _data(of, of.found.chosen),
            "runs": [_data(of, one) for one in of.found.measured],
            "rounds": [
                {"runs": each.runs, "typical_factor": each.typical, "largest_factor": each.largest}
                for each in of.found.rounds
            ],
            "agreed": of.found.agreed,
            "injected_images": of.injected_images,
        },
    }


def _beside_uniform(of: Assigned) -> list[str]:
    if not of.uniform:
        return []
    limit = of.budget.amount if of.budget.of == "accuracy" else of.chosen.lost
    best = of.cheapest_uniform(max(limit, of.chosen.lost))
    if best is None:
        return ["no multiplier for all layers loses as little"]
    words = "than one multiplier for all layers that loses no more than the budget, or than this"
    name = of.problem.names[best.choice[0]]
    return [
        f"{percent(1 - of.chosen.energy / best.energy)} less energy {words}: {name}, energy {best.energy:.4f}, "
        f"{_lost(best)}"
    ]


def _lost(one: Measured) -> str:
    low, high = one.lost_interval
    return f"{100 * one.lost:.2f} points of top-1 lost (95 %: {100 * low:.2f} to {100 * high:.2f})"


def _cells(one: Measured) -> list[str]:
    low, high = one.lost_interval
    return [f"{one.energy:.4f}", f"{one.damage:.4f}", f"{100 * one.lost:.2f}", f"{100 * low:.2f} to {100 * high:.2f}"]


def _data(of: Assigned, one: Measured) -> dict[str, Any]:
    names = of.problem.named(one.choice)
    predicted = math.fsum(of.predicted[row, column] for row, column in enumerate(one.choice))
    return {
        "energy": one.energy,
        "damage": one.damage,
        "predicted_damage": predicted,
        "images": one.images,
        "top1": one.top1,
        "lost": one.lost,
        "lost_interval_95": one.lost_interval,
        "layers": next(iter(names.values())) if len(set(names.values())) == 1 else names,
    }
