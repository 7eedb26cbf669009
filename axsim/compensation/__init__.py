"""Undoing a multiplier's damage: mean and gain of every channel folded into bias and requantization scale."""

from .choice import AS_IT_IS, WAYS, Choice, Way, check_count, compensate_best, compensated_by
from .compensated import compensate, undone
from .folding import Line, fold

__all__ = [
    "AS_IT_IS",
    "WAYS",
    "Choice",
    "Line",
    "Way",
    "check_count",
    "compensate",
    "compensate_best",
    "compensated_by",
    "fold",
    "undone",
]
