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
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from .problem import Choice, Matrix


def scipy_optimize() -> Any:
    """Return the module scipy.optimize; AxsimError, which says what to install, where there is none."""
    try:
        import scipy.optimize
    except ImportError:
        raise AxsimError("assignments need scipy: pip install 'axsim[assign]'") from None
    return scipy.optimize


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
        A column for each row, proven the best to the solver's tolerance: 1e-6 of the limit, 1e-5 of the objective.

    Raises
    ------
    AxsimError
        If scipy is not installed.
    """
    possible = weight <= limit
    scale = _size(objective[possible])
    while True:
        found = _solve(np.where(possible, objective / scale, np.inf), weight / limit)
        if found is None:
            return None
        best = float(objective[np.arange(len(objective)), found].sum())
        if best >= scale / 10 or best == 0:
            return found
        # The solver's tolerances are absolute: again, in units of what it has found, without what is larger alone.
        possible &= objective <= best
        scale = best


def _size(values: npt.NDArray[np.float64]) -> float:
    """Return a typical size of the values above 0, or 1 where there are none."""
    above = values[values > 0]
    return float(np.median(above)) if len(above) else 1.0


def _solve(objective: Matrix, weight: Matrix) -> Choice | None:
    """Solve for a limit of 1; what may not be chosen has an objective of infinity."""
    optimize = scipy_optimize()
    from scipy.sparse import csr_array

    possible = np.isfinite(objective)
    if not possible.any(axis=1).all():
        return None
    rows, columns = np.nonzero(possible)
    variables = np.arange(len(rows))
    one_a_row = csr_array((np.ones(len(rows)), (rows, variables)), shape=(len(objective), len(rows)))
    within = csr_array(weight[rows, columns][None, :])
    with _silence():
        found = optimize.milp(
            objective[rows, columns],
            integrality=np.ones(len(rows)),
            bounds=optimize.Bounds(0, 1),
            constraints=[
                optimize.LinearConstraint(one_a_row, 1, 1),
                optimize.LinearConstraint(within, -np.inf, 1),
            ],
            options={"mip_rel_gap": 0.0},
        )
    if found.x is None:
        return None
    chosen = np.zeros_like(possible)
    chosen[rows, columns] = found.x > 0.5
    return tuple(int(column) for column in chosen.argmax(axis=1))


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
