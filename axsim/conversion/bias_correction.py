"""Bias correction: the mean of what rounding its weights adds to a layer's output is taken off its bias.

With e = rounded weight - weight, a layer gives sum_k (w_k + e_k) x_k, whose mean is off by sum_k e_k E[x_k]: a constant
per output channel, and the larger the fewer taps there are to average it out, as in depthwise convolutions.

M. Nagel, M. van Baalen, T. Blankevoort, M. Welling, Data-Free Quantization Through Weight Equalization and Bias
Correction, ICCV 2019, section 4.2 (arXiv 1906.04721). There E[x] is derived from the batch normalisation before; here
it is the mean of each input channel on the calibration images. Taps that lie in the padding are counted as others.
"""

import numpy as np
import numpy.typing as npt


class ChannelMeans:
    """Mean of each channel of the tensors of a float model, gathered batch by batch."""

    def __init__(self) -> None:
        self._sums: dict[str, npt.NDArray[np.float64]] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: dict[str, npt.NDArray[np.float32]]) -> None:
        """Add a batch: tensors [N, C, H, W], [N, T, C] or [N, C] by name; others are passed over."""
        for name, value in values.items():
            if value.ndim not in (2, 3, 4):
                continue
            channels = 2 if value.ndim == 3 else 1
            axes = tuple(axis for axis in range(value.ndim) if axis != channels)
            self._sums[name] = self._sums.get(name, 0) + value.sum(axis=axes, dtype=np.float64)
            self._counts[name] = self._counts.get(name, 0) + value.size // value.shape[channels]

    def divide(self, factors: dict[str, npt.NDArray[np.float32]]) -> None:
        """Divide the means of tensors, by name, by one number a channel, [C]."""
        for name, factor in factors.items():
            if name in self._sums:
                self._sums[name] = self._sums[name] / factor

    def share(self, name: str, other: str) -> None:
        """Let another tensor, which was not gathered, have the means of one that was."""
        if name in self._sums and other not in self._sums:
            self._sums[other], self._counts[other] = self._sums[name], self._counts[name]

    def subtract(self, shifts: dict[str, float]) -> None:
        """Take one number off all means of tensors, by name; means that were not gathered are 0 before."""
        for name, shift in shifts.items():
            count = self._counts.setdefault(name, 1)
            self._sums[name] = self._sums.get(name, np.zeros(1)) - shift * count

    def __getitem__(self, name: str) -> npt.NDArray[np.float64] | None:
        """Means of a tensor, float64 [C], or [1] for all channels, or None where there are none."""
        return self._sums[name] / self._counts[name] if name in self._sums else None


def output_shift(
    error: npt.NDArray[np.floating], means: npt.NDArray[np.float64], groups: int = 1
) -> npt.NDArray[np.float64]:
    """
    Mean shift of each output channel, float64 [M], of a layer whose weights are off by `error`.

    Parameters
    ----------
    error : float [M, C / groups, ...]
        Rounded minus real weights.
    means : float64 [C] or [1]
        Mean of each input channel, or of all.
    groups : int
        Of a grouped convolution: row m sees the channels of group m groups // M.
    """
    channels = error.shape[0]
    by_channel = error.reshape(groups, channels // groups, error.shape[1], -1).sum(axis=3)
    by_group = np.broadcast_to(means, groups * error.shape[1]).reshape(groups, -1)
    return np.einsum("gmc,gc->gm", by_channel, by_group).reshape(channels)
