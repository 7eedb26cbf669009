"""Moments of a multiplier's error, under uniform operands or under given operand histograms.

error = approximate - exact, always. Published figures follow different averaging conventions; the two that matter are
parameters here: what a relative error means where the exact product is zero (`zero_products`), and what the mean
absolute error is divided by (both `nmed` and `mae_fraction` are given).
"""

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..formats import Format, exact_products

ZeroProducts = Literal["exclude", "zero", "one"]


@dataclasses.dataclass(frozen=True)
class Moments:
    """Error statistics of a product table under one distribution of its operands.

    Attributes
    ----------
    mean_error : float
        Mean of the error, LSB of the product.
    variance : float
        Variance of the error, LSB squared; `standard_deviation` is its root.
    mae : float
        Mean absolute error (mean error distance, MED), LSB.
    mse : float
        Mean squared error, LSB squared.
    nmed : float
        `mae` over the largest absolute exact product (65,025 for u8 x u8, 16,384 for s8 x s8).
    mae_fraction : float
        `mae` over 2^16 (2^(2 width) at other widths), as EvoApproxLib states it (there in percent).
    mred : float
        Mean absolute relative error, as a fraction; see `zero_products`.
    relative_mean, relative_std : float
        Mean ("bias") and standard deviation of the relative error, as fractions; see `zero_products`.
    relative_min, relative_max : float
        Most negative and most positive relative error ("peak"); 0 where there is none of that sign.
    wce : int
        Worst-case absolute error among operands of non-zero probability, LSB.
    error_rate : float
        Probability that the product is wrong.
    zero_products : str
        The convention for relative errors where the exact product is 0: "exclude" leaves these pairs out (EvoApproxLib
        since 2018), "zero" counts them as 0 (MBM, Kulkarni), "one" divides by max(1, |exact|) (EvoApprox8b 2017).
    """

    mean_error: float
    variance: float
    mae: float
    mse: float
    nmed: float
    mae_fraction: float
    mred: float
    relative_mean: float
    relative_std: float
    relative_min: float
    relative_max: float
    wce: int
    error_rate: float
    zero_products: ZeroProducts

    @property
    def standard_deviation(self) -> float:
        """Root of `variance`, LSB."""
        return float(np.sqrt(self.variance))

    def _repr_html_(self) -> str:
        from ..presentation.display import moments_html  # which knows this class, not the other way round

        return moments_html(self)

    def as_dict(self) -> dict[str, float | int | str]:
        """All figures by name, for JSON."""
        return {**dataclasses.asdict(self), "standard_deviation": self.standard_deviation}


def moments(
    table: npt.NDArray[np.int32],
    operands: tuple[Format, Format],
    w_histogram: npt.ArrayLike | None = None,
    x_histogram: npt.ArrayLike | None = None,
    zero_products: ZeroProducts = "exclude",
) -> Moments:
    """Count the moments of `table`'s error over all 65,536 operand pairs.

    Parameters
    ----------
    table : int32 [256, 256]
        Products, indexed by the bit patterns of w and x.
    operands : pair of {"u8", "s8"}
        Formats of w and x.
    w_histogram, x_histogram : array [256], optional
        Weight of each pattern of that operand (counts or probabilities; normalised here). Uniform over all 256
        patterns when not given. The two operands are independent.
    zero_products : {"exclude", "zero", "one"}
        See `Moments`.

    Raises
    ------
    AxsimError
        If a histogram does not have 256 finite entries >= 0 with a positive sum, or the convention is unknown.
    """
    if zero_products not in ("exclude", "zero", "one"):
        raise AxsimError(f"zero_products must be 'exclude', 'zero' or 'one', got {zero_products!r}")
    exact = exact_products(*operands).astype(np.float64)
    error = table - exact
    weight = _probabilities("w_histogram", w_histogram)[:, None] * _probabilities("x_histogram", x_histogram)[None, :]

    mean = float((weight * error).sum())
    # Central, not E[e^2] - mean^2: the difference of two large numbers would lose digits.
    variance = float((weight * (error - mean) ** 2).sum())
    mae = float((weight * np.abs(error)).sum())

    counted = weight > 0 if zero_products != "exclude" else (weight > 0) & (exact != 0)
    divisor = np.maximum(1.0, np.abs(exact))
    relative = error / np.where(exact < 0, -divisor, divisor)
    if zero_products == "zero":
        relative[exact == 0] = 0.0
    share = np.where(counted, weight, 0.0)
    share = share / share.sum() if counted.any() else share
    relative_mean = float((share * relative).sum())
    return Moments(
        mean_error=mean,
        variance=variance,
        mae=mae,
        mse=float((weight * error**2).sum()),
        nmed=mae / float(np.abs(exact).max()),
        mae_fraction=mae / 2**16,
        mred=float((share * np.abs(relative)).sum()),
        relative_mean=relative_mean,
        relative_std=float(np.sqrt((share * (relative - relative_mean) ** 2).sum())),
        relative_min=float(relative[counted].min(initial=0.0)),
        relative_max=float(relative[counted].max(initial=0.0)),
        wce=int(np.abs(error[weight > 0]).max()),
        error_rate=float(weight[error != 0].sum()),
        zero_products=zero_products,
    )


def _probabilities(name: str, histogram: npt.ArrayLike | None) -> npt.NDArray[np.float64]:
    """Histogram as probabilities, float64 [256]."""
    if histogram is None:
        return np.full(256, 1 / 256)
    try:
        counts = np.asarray(histogram, dtype=np.float64)
    except (ValueError, TypeError):
        raise AxsimError(f"{name} must be 256 numbers, got {type(histogram).__name__}") from None
    if counts.shape != (256,):
        raise AxsimError(f"{name} must have one entry for each of the 256 bit patterns, got shape {counts.shape}")
    if not np.isfinite(counts).all() or (counts < 0).any() or counts.max() <= 0:
        raise AxsimError(f"{name} must have finite entries >= 0 and a positive sum")
    counts = counts / counts.max()  # whose sum cannot overflow
    return counts / counts.sum()
