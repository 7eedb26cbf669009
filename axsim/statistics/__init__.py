"""What is counted while a network runs: each layer's operands, and its error matrix.

All counts are exact integers, so that they depend neither on how images came in batches nor on the number of threads.
"""

from .error_sums import ErrorSums
from .layer import LayerStatistics
from .matmul import MatMulStatistics
from .network import NetworkStatistics, check_statistics, empty_statistics

Statistics = LayerStatistics | MatMulStatistics

__all__ = [
    "ErrorSums",
    "LayerStatistics",
    "MatMulStatistics",
    "NetworkStatistics",
    "Statistics",
    "check_statistics",
    "empty_statistics",
]
