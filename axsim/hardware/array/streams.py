"""Tiles as the files that the test bench reads: a hexadecimal word a line, element 0 of a vector in its lowest bits."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from .tiles import Tile

FILES = ("weights", "activations", "sums_in", "sums", "bias", "multiplier", "codes")


@dataclasses.dataclass(frozen=True)
class Written:
    """What was written: rows of weights, pixels of each tile, tiles whose sums end, and vectors of codes."""

    rows: int
    pixels: tuple[int, ...]
    emits: int
    codes: int

    @property
    def vectors(self) -> int:
        """Vectors of activations, and of partial sums."""
        return sum(self.pixels)


def write_streams(tiles: Iterable[Tile], bits: int, folder: pathlib.Path) -> Written:
    """Write the files of these tiles, of an array with partial sums of `bits` bits, into a folder that is there."""
    rows, pixels, emits, codes = 0, [], 0, 0
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context(open(folder / f"{name}.hex", "w", encoding="ascii")) for name in FILES}
        for tile in tiles:
            rows += len(tile.weights)
            pixels.append(tile.pixels)
            files["weights"].writelines(words(tile.weights[::-1], 8))
            # 1: the tile starts; 2 and 4, of all its vectors: clear and emit.
            flags = 2 * tile.clear + 4 * tile.emit
            activations = words(tile.activations, 8)
            files["activations"].writelines(f"{flags + (n == 0)}{word}" for n, word in enumerate(activations))
            files["sums_in"].writelines(words(tile.sums_in, bits))
            files["sums"].writelines(words(tile.sums, bits))
            if tile.codes is not None:
                emits, codes = emits + 1, codes + tile.pixels
                files["bias"].writelines(words(tile.bias[None], 32))
                files["multiplier"].writelines(words(tile.multiplier.view(np.int32)[None], 31))
                files["codes"].writelines(words(tile.codes, 8))
    return Written(rows, tuple(pixels), emits, codes)


def words(values: npt.NDArray[np.integer], bits: int) -> list[str]:
    """Lines with the rows of integers [N, lanes] as one hexadecimal word each, `bits` bits a lane, two's complement."""
    lanes = (values.astype(np.int64)[:, :, None] >> np.arange(bits)) & 1
    packed = np.packbits(lanes.reshape(len(values), -1).astype(np.uint8), axis=1, bitorder="little")
    # As many digits as the bits need: one that is too many in front of the flags would not fit its word.
    digits = -(-values.shape[1] * bits // 4)
    return [row.tobytes()[::-1].hex()[-digits:] + "\n" for row in packed]
