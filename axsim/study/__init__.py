"""Measured beside predicted for many multipliers on one network: a study that can be stopped and taken up again."""

from .findings import Findings, findings
from .report import write_study_report
from .rows import CANDIDATES, LEVELS, LayerRow, Row
from .runner import Study, study

__all__ = [
    "CANDIDATES",
    "LEVELS",
    "Findings",
    "LayerRow",
    "Row",
    "Study",
    "findings",
    "study",
    "write_study_report",
]
