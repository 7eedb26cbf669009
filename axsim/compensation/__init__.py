"""Undoing a multiplier's damage: mean and gain of every channel folded into bias and requantization scale."""

from .compensated import compensate, undone
from .folding import Line, fold

__all__ = ["Line", "compensate", "fold", "undone"]
