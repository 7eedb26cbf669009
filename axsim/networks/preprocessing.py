"""From a picture of any size to the numbers that a network sees: the recipe that is stored with the network."""

import dataclasses
from typing import Literal

import numpy as np

from ..errors import NetworkError

Fit = Literal["crop", "short_side", "squash"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
FITS: tuple[Fit, ...] = ("crop", "short_side", "squash")
INTERPOLATIONS: tuple[Interpolation, ...] = ("nearest", "bilinear", "bicubic", "lanczos")


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """
    How a picture becomes the network's input: fitted to its size, then real = (pixel / pixel_scale - mean) / std.

    Attributes
    ----------
    pixel_scale : float
    mean, std : tuple of float
        One entry for each channel of the input; the arithmetic is in float32.
    fit : {"crop", "short_side", "squash"}
        crop: cut out the central rectangle of the network's proportions, as large as fits times `crop`, then resize it.
        short_side: resize so that the network's size is `crop` of the short side, then cut out the centre.
        squash: resize the central `crop` of width and height, whatever their proportions.
    crop : float
        Share of the picture that is kept, above 0 and at most 1.
    interpolation : {"nearest", "bilinear", "bicubic", "lanczos"}
        Pillow's resampling filter, which is widened to the scale when a picture shrinks.

    Raises
    ------
    NetworkError
        If a number is not finite, pixel_scale or a std not above 0, or one of the others not as listed.
    """

    pixel_scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: Fit = "crop"
    crop: float = 1.0
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        # As the input is computed, in float32; what is smaller than 1e-30 would leave its range in a quotient.
        with np.errstate(over="ignore", under="ignore"):
            scales, means = np.array((self.pixel_scale, *self.std), np.float32), np.array(self.mean, np.float32)
        largest = np.float32(1e30)
        if not ((scales > 1 / largest) & (scales < largest)).all() or not (np.abs(means) < largest).all():
            raise NetworkError(
                "preprocessing must be finite in float32, with pixel_scale and std above 0, "
                f"got {self.pixel_scale}, mean {self.mean} and std {self.std}"
            )
        for name, value, allowed in (("fit", self.fit, FITS), ("interpolation", self.interpolation, INTERPOLATIONS)):
            if value not in allowed:
                raise NetworkError(f"preprocessing {name} must be one of {', '.join(allowed)}, got {value!r}")
        if not 0.01 <= self.crop <= 1:
            raise NetworkError(f"preprocessing crop must be from 0.01 to 1, got {self.crop}")

    def __str__(self) -> str:
        kept = "" if self.crop == 1 else f" {self.crop:g}"
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return (
            f"fit {self.fit}{kept}, {self.interpolation}; (pixel / {self.pixel_scale:g} - mean) / std, "
            f"mean {mean}, std {std}"
        )
