"""The case study: an error-configurable multiplier in a systolic array, in the gates and in a whole network.

runner.py    tiles of a network's layers through the Verilog, the network through the engine, for every configuration
findings.py  rank correlation of predicted distortion with accuracy, its interval, and where the model fails
text.py      the same as text and JSON
report.py    the same as an HTML page
"""

from .findings import Findings, findings
from .report import write_case_report
from .runner import CONFIGURATIONS, CaseStudy, ConfigurationRow, case_study, cheapest_layers

__all__ = [
    "CONFIGURATIONS",
    "CaseStudy",
    "ConfigurationRow",
    "Findings",
    "case_study",
    "cheapest_layers",
    "findings",
    "write_case_report",
]
