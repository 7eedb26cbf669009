"""What is injected: one error model for every product of a layer, or the errors of each of its output channels."""

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..multipliers.product_table import Multiplier
from ..predict import LayerPrediction
from .distributions import DISTRIBUTIONS, VALUES, Distribution, empirical_values, standard_values

Per = Literal["accumulator", "product"]


@dataclasses.dataclass(frozen=True, eq=False)
class ErrorModel:
    """Independent errors of given mean and standard deviation on every product of a layer.

    Attributes
    ----------
    mean, std : float
        Of one product's error: LSB, or shares of the exact product if `relative`. From -1e6 to 1e6, and from 0 to 1e6.
    relative : bool
        e = w x r with r drawn, instead of e drawn.
    distribution : {"normal", "uniform", "two_point"}
    per : {"accumulator", "product"}
        product: one draw a product, K of them a sum. accumulator: one draw a sum, with the mean and the variance of a
        sum of K independent errors, equal to the former by the central limit theorem as K grows, and about K times as
        fast: K mean and K std^2; if relative, mean C[m, n] and std^2 sum_k (w x)^2.
    values : float32 [65536], optional
        Equally probable values of mean 0 and variance 1 that take the place of the distribution's; see `empirical`.

    Raises
    ------
    AxsimError
        If mean or std are out of range, relative is no bool, a name is unknown, or values are no float32 [65536].
    """

    mean: float = 0.0
    std: float = 0.0
    relative: bool = False
    distribution: Distribution = "normal"
    per: Per = "accumulator"
    values: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if not _is_number(self.mean) or not -1e6 <= self.mean <= 1e6:
            raise AxsimError(f"mean must be a number from -1e6 to 1e6, got {self.mean!r}")
        if not _is_number(self.std) or not 0 <= self.std <= 1e6:
            raise AxsimError(f"std must be a number from 0 to 1e6, got {self.std!r}")
        if not isinstance(self.relative, bool | np.bool_):
            raise AxsimError(f"relative must be True or False, got {self.relative!r}")
        if self.per not in ("accumulator", "product"):
            raise AxsimError(f"per must be 'accumulator' or 'product', got {self.per!r}")
        if self.values is None:
            if not isinstance(self.distribution, str):
                raise AxsimError(f"distribution must be one of {', '.join(DISTRIBUTIONS)}, got {self.distribution!r}")
            standard_values(self.distribution)
            return
        values = self.values  # the kernels look up in them unchecked
        if not isinstance(values, np.ndarray) or values.dtype != np.float32 or values.shape != (VALUES,):
            got = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
            raise AxsimError(f"values must be float32 [{VALUES}], got {got}")
        if not np.isfinite(values).all():
            raise AxsimError("values must be finite")

    @property
    def standard(self) -> npt.NDArray[np.float32]:
        """Equally probable values of mean 0 and variance 1, float32 [65536]."""
        return standard_values(self.distribution) if self.values is None else self.values

    @classmethod
    def empirical(cls, multiplier: Multiplier, relative: bool = False, per: Per = "product") -> "ErrorModel":
        """
        Return the error of a multiplier under uniform operands, as a distribution without its dependence on them.

        `multiplier` as it serves the network's operands. Relative errors are over the non-zero products.
        """
        error = multiplier.error().astype(np.float64).reshape(-1)
        if relative:
            exact = multiplier.table.reshape(-1) - error
            error = error[exact != 0] / exact[exact != 0]
        values = empirical_values(error, np.ones_like(error))
        return cls(float(error.mean()), float(error.std()), relative, per=per, values=values)


def _is_number(value: object) -> bool:
    """Whether the kernels can take it for a float64."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelErrors:
    """Normal errors of each output channel's sums: E = mean + gain (C - centre) + noise z; arrays float64 [M], LSB."""

    mean: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]
    centre: npt.NDArray[np.float64]

    @classmethod
    def predicted(cls, layer: LayerPrediction) -> "ChannelErrors":
        """Return the errors that the moment model predicts for a layer."""
        return cls(layer.mean, layer.gain, layer.noise, layer.centre)
