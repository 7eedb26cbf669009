"""Checks of what users hand in, shared by the functions that take it."""

import numpy as np

from .errors import AxsimError


def check_numbers(name: str, values: object) -> None:
    """Raise AxsimError unless `values`, so named to the user, is an array of real numbers."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        came = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise AxsimError(f"{name} must be an array of numbers, such as float64, got {came}")
