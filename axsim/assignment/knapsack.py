"""The multiple-choice knapsack: one multiplier a layer, for the least cost within a damage, or the reverse; exactly.

    minimize sum_l c[l, m(l)]    subject to    sum_l d[l, m(l)] <= limit

solved as an integer program, one binary variable for each layer and multiplier, by HiGHS's branch and bound
(Q. Huangfu, J. A. J. Hall, Mathematical Programming Computation 10, 2018, doi:10.1007/s12532-017-0130-5).
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from .problem import Choice, Matrix


def solve(objective: Matrix, weight: Matrix, limit: float) -> Choice | None:
    """
    Choose one column a row such that the objective's sum is least and the weight's at most `limit`.

    Parameters
    ----------
    objective, weight : float64 [rows, columns], 0 or more
    limit : float, above 0

    Returns
    -------
    tuple of int, or None where no choice stays within the limit
        A column for each row, proven the best to the solver's tolerance, 1e-6 of the limit and of the objective.

    Raises
    ------
    AxsimError
        If scipy is not installed.
    """
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array
    except ImportError:
        raise AxsimError("assignments need scipy: pip install 'axsim[assign]'") from None

    possible = weight <= limit
    if not possible.any(axis=1).all():
        return None
    rows, columns = np.nonzero(possible)
    # Both in units near 1: the solver's tolerances are absolute.
    relative = weight[rows, columns] / limit
    scale = _scale(np.where(possible, objective, np.inf))
    values = objective[rows, columns] / scale
    variables = np.arange(len(rows))
    one_a_row = csr_array((np.ones(len(rows)), (rows, variables)), shape=(len(objective), len(rows)))
    constraints = [LinearConstraint(one_a_row, 1, 1), LinearConstraint(csr_array(relative[None, :]), -np.inf, 1)]
    with _silence():
        found = milp(
            values,
            integrality=np.ones(len(rows)),
            bounds=Bounds(0, 1),
            constraints=constraints,
            options={"mip_rel_gap": 0.0},
        )
    if found.x is None:
        return None
    chosen = np.zeros_like(possible)
    chosen[rows, columns] = found.x > 0.5
    return tuple(int(column) for column in chosen.argmax(axis=1))


def _scale(objective: npt.NDArray[np.float64]) -> float:
    """Return a size of the objective: the least all rows could pay, or, where that is 0, the median."""
    least = objective.min(axis=1)
    some = objective[np.isfinite(objective) & (objective > 0)]
    return float(least.sum()) or (float(np.median(some)) if len(some) else 1.0)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what HiGHS prints at times, past its own settings, out of standard output: a result may be JSON."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
        kept = os.dup(1)
    except (OSError, ValueError):  # closed: nothing can be printed
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # what C's own buffer holds must go where it was meant to
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
