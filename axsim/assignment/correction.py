"""The predicted damages, corrected by what runs have measured.

The damage of a run with choice m(l) is taken to be

    sum_l a[l] b[m(l)] c D[l, m(l)]

with factors a of the layers, b of the multipliers and c of all, known beforehand to be near 1: log-normal, with the
spreads below. The factors that are likeliest given the measured runs (maximum a posteriori) solve a nonlinear least
squares problem. What no run has shown keeps its prediction.
"""

from collections.abc import Sequence

import numpy as np

from .knapsack import scipy_optimize
from .problem import Choice, Matrix

LAYER_SPREAD, MULTIPLIER_SPREAD, COMMON_SPREAD = 0.5, 0.5, 1.0  # of the logarithm of a factor
RUN_SPREAD = 0.2  # of the logarithm of a measured damage about the model
FLOOR = 2e-3  # nats, added to both: below, it is requantization that is seen


def corrected(predicted: Matrix, choices: Sequence[Choice], measured: Sequence[float]) -> Matrix:
    """
    Return the damages, float64 [layers, multipliers], that agree best with the measured runs.

    Parameters
    ----------
    predicted : float64 [layers, multipliers], 0 or more
    choices : sequence of tuple of int
        What was run.
    measured : sequence of float
        Damage of each run, nats.

    Raises
    ------
    AxsimError
        If scipy is not installed.
    """
    if not choices:
        return predicted
    layers, multipliers = predicted.shape
    chosen = np.array(choices)
    alone = predicted[np.arange(layers), chosen]  # [runs, layers]
    wanted = np.log(np.asarray(measured) + FLOOR)
    spread = np.concatenate(
        [np.full(layers, LAYER_SPREAD), np.full(multipliers, MULTIPLIER_SPREAD), np.full(1, COMMON_SPREAD)]
    )

    def parts(logs: Matrix) -> Matrix:
        return np.asarray(alone * np.exp(logs[:layers] + logs[layers + chosen] + logs[-1]))

    def residuals(logs: Matrix) -> Matrix:
        sums = parts(logs).sum(axis=1)
        return np.concatenate([(np.log(sums + FLOOR) - wanted) / RUN_SPREAD, logs / spread])

    def slopes(logs: Matrix) -> Matrix:
        each = parts(logs)
        shares = each / (each.sum(axis=1, keepdims=True) + FLOOR) / RUN_SPREAD
        slope = np.zeros((len(chosen), len(spread)))
        slope[:, :layers], slope[:, -1] = shares, shares.sum(axis=1)
        np.add.at(slope, (np.arange(len(chosen))[:, None], layers + chosen), shares)
        return np.concatenate([slope, np.diag(1 / spread)])

    logs = scipy_optimize().least_squares(residuals, np.zeros(len(spread)), slopes, loss="soft_l1").x
    return predicted * np.exp(logs[:layers, None] + logs[None, layers:-1] + logs[-1])
