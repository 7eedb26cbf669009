"""A layer's matrix product cut into tiles of the mesh, each with the partial sums and codes that must come out.

The sums are those of `axsim.matmul` through the multiplier's product table, in an accumulator of the array's bits.
"""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from ...errors import HardwareError
from ...formats import Patterns
from ...images import Pixels
from ...inference.accumulator import Overflow, Sums
from ...inference.engine import forward
from ...inference.gemm import Rescale, matmul
from ...inference.prepared import LayerInput, Multiplying, PreparedLayer, prepare
from ...multipliers.catalog import multiplier
from ...multipliers.product_table import Multiplier
from ...networks.network import Network
from ...networks.rounding import FIXED

PIXELS = 1024  # of a tile at most: what the accumulator's memory holds
LEAST_MULTIPLIER = float(np.finfo(np.float32).tiny)  # the requantizer takes normal numbers only

Codes = npt.NDArray[np.int8]


@dataclasses.dataclass(frozen=True)
class Configuration:
    """Contents of the array's register: correction constant in units of 2^-7 (0 to 127), fraction bits cut (0 to 5)."""

    correction: int = 10
    cut: int = 0

    def multiplier(self) -> Multiplier:
        """Its software face; raises MultiplierError where a value is out of range."""
        return multiplier(f"mbm_configurable:t={self.cut},c={self.correction}")


@dataclasses.dataclass(frozen=True, eq=False)
class MatrixProduct:
    """What a layer multiplies, and how its sums become codes.

    weight int8 [M, K]; columns int8 [K, N], the activations; rescale of M channels, by the rule "float".
    """

    name: str
    weight: Codes
    columns: Codes
    rescale: Rescale

    @property
    def products(self) -> int:
        """How many it takes: M K N."""
        return self.weight.size * self.columns.shape[1]


@dataclasses.dataclass(frozen=True, eq=False)
class Tile:
    """SIZE taps by SIZE output channels of a product, for some pixels; short ones are filled with zeros.

    Attributes
    ----------
    weights : int8 [SIZE taps, SIZE channels]
    activations : int8 [N, SIZE taps]
    sums_in, sums : int32 [N, SIZE channels]
        Where the array's sums start, and what must come out of it.
    clear, emit : bool
        Whether it is the first, and the last tile of its sums.
    codes : uint8 [N, SIZE channels], optional
        Patterns that must come out, of a tile with `emit`; made with `bias` int32 and `multiplier` float32 [SIZE].
    """

    weights: Codes
    activations: Codes
    sums_in: Sums
    sums: Sums
    clear: bool
    emit: bool
    codes: Patterns | None
    bias: Sums
    multiplier: npt.NDArray[np.float32]

    @property
    def pixels(self) -> int:
        """Vectors of activations, N."""
        return len(self.activations)


def products_of(network: Network, images: Pixels, layers: Iterable[str]) -> list[MatrixProduct]:
    """
    Operands of layers, by name, on the exact run of the images.

    Raises
    ------
    HardwareError
        If a layer is unknown or none that the array computes: s8 by s8, one group, zero points of the weights 0, sums
        rescaled in float32.
    """
    wanted = list(layers)
    prepared = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    for name in wanted:
        _check(name, network, prepared.get(name))
    found: dict[str, list[Codes]] = {name: [] for name in wanted}

    def accumulate(layer: Multiplying, given: LayerInput) -> Sums:
        if layer.node.name in found:
            found[layer.node.name].append(given.columns.view(np.int8))
        return layer.sums(given, None)

    for _ in forward(network, prepared, images, accumulate, batch_size=1):
        pass
    products = []
    for name in wanted:
        layer = prepared[name]
        assert isinstance(layer, PreparedLayer) and layer.rescale is not None
        products.append(
            MatrixProduct(name, layer.weight.view(np.int8), np.concatenate(found[name], axis=1), layer.rescale)
        )
    return products


def runnable(network: Network) -> list[str]:
    """Names of the layers that the array computes, see `products_of`."""
    prepared = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    found = []
    for name in prepared:
        try:
            _check(name, network, prepared[name])
        except HardwareError:
            continue
        found.append(name)
    return found


def _check(name: str, network: Network, layer: object) -> None:
    if layer is None:
        names = ", ".join(each.name for each in network.layers)
        raise HardwareError(f"layers must be of the network ({names}), got {name!r}")
    why = ""
    if not isinstance(layer, PreparedLayer):
        why = "multiplies two activations"
    elif layer.groups != 1:
        why = f"has {layer.groups} groups"
    elif (layer.w_format, layer.x.format) != ("s8", "s8") or np.any(layer.node.weight_zero_point):
        why = "has operands other than s8 by s8 with weights' zero points 0"
    elif network.rounding in FIXED or layer.rescale is None:
        why = f"is rounded by the rule {network.rounding}"
    elif layer.rescale.multiplier.min() < LEAST_MULTIPLIER:
        why = "is rescaled by a number below float32's normal ones"
    if why:
        raise HardwareError(
            f"layer {name}: the array multiplies one group of s8 by s8 and rescales in float32; this {why}"
        )


def tiles(
    product: MatrixProduct,
    used: Multiplier,
    size: int,
    bits: int,
    overflow: Overflow,
    chained: bool = False,
) -> Iterator[Tile]:
    """
    Yield the tiles of a product in the order in which the array takes them: pixels, channels, taps ascending.

    `used` is the multiplier; `size` that of the mesh; `bits` and `overflow` of its partial sums. Each tile's sums start
    at 0 and are added exactly behind the array, which is `axsim.matmul` with accumulator_taps = size; `chained`: they
    start where those of the tile before ended, which is `axsim.matmul` with one accumulator for all taps.
    """
    channels, depth = product.weight.shape
    pixels = product.columns.shape[1]
    ends = range(size, depth + size, size)
    kept = {"accumulator_bits": bits, "overflow": overflow}
    for first in range(0, pixels, PIXELS):
        x = _padded(product.columns[:, first : first + PIXELS], ends[-1], None)
        for channel in range(0, channels, size):
            w = _padded(product.weight[channel : channel + size], size, ends[-1])
            rescale = _lanes(product.rescale, channel, size)
            totals = matmul(w, x, used, **kept, accumulator_taps=None if chained else size)  # type: ignore[arg-type]
            before = np.zeros((size, x.shape[1]), np.int32)
            for end in ends:
                taps = slice(0 if chained else end - size, end)
                sums = matmul(w[:, taps], x[taps], used, **kept)  # type: ignore[arg-type]
                emit = end == ends[-1]
                yield Tile(
                    weights=np.ascontiguousarray(w[:, end - size : end].T),
                    activations=np.ascontiguousarray(x[end - size : end].T),
                    sums_in=before.T,
                    sums=sums.T,
                    clear=end == size or chained,
                    emit=emit,
                    codes=rescale.codes(totals).T if emit else None,
                    bias=rescale.bias,
                    multiplier=rescale.multiplier,
                )
                before = sums if chained else before


def closed_form_cycles(pixels: Iterable[int], size: int) -> int:
    """
    Cycles from the first row of weights to the last partial sum, of tiles of so many pixels without a pause.

        SIZE + sum_i max(N_i, 2 SIZE - 1) + N_last + 2 SIZE - 1          i over all tiles but the last

    SIZE to load the first weights; a tile follows the one before when that has been fed in and the next weights have
    been loaded; 2 SIZE - 1 from the last activations to their sums.
    """
    counts = list(pixels)
    if not counts:
        return 0
    return size + sum(max(count, 2 * size - 1) for count in counts[:-1]) + counts[-1] + 2 * size - 1


def _padded(matrix: Codes, rows: int, columns: int | None) -> Codes:
    """Fill a matrix with zeros to so many rows and columns."""
    wide = matrix.shape[1] if columns is None else columns
    out = np.zeros((rows, wide), np.int8)
    out[: matrix.shape[0], : matrix.shape[1]] = matrix
    return out


def _lanes(rescale: Rescale, first: int, size: int) -> Rescale:
    """Constants of `size` channels from `first` on; bias 0 and multiplier 1 where there is none."""
    bias, multiplier = np.zeros(size, np.int32), np.ones(size, np.float32)
    count = len(rescale.bias[first : first + size])
    bias[:count] = rescale.bias[first : first + size]
    multiplier[:count] = rescale.multiplier[first : first + size]
    return Rescale(bias, multiplier, rescale.zero_point, rescale.clamp)
