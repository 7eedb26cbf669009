"""The array in a simulator: compiled once for a mesh and an accumulator, then run on any tiles and configuration."""

import dataclasses
import pathlib
import re
import tempfile
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from ...errors import HardwareError
from ...inference.accumulator import Accumulator, Overflow
from ..simulators import SimulatorName, chosen_simulator, compiled, simulator_version
from ..tools import complaint
from .sources import DESIGN, TEST_BENCH, source
from .streams import Written, write_streams
from .tiles import PIXELS, Configuration, Tile

SIZES = (4, 16)  # least and greatest mesh
LINES = 1 << 18  # words of a file that the test bench holds
SECONDS = 3600  # after which a simulation is given up
_COUNTS = re.compile(r"sums (\d+) wrong (\d+) codes (\d+) wrong (\d+) cycles (-?\d+)")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a simulation showed.

    Attributes
    ----------
    sums, codes : int
        Vectors of partial sums and of codes that were compared, SIZE numbers each.
    wrong_sums, wrong_codes : int
        How many of them differed.
    passed : bool
        Whether as many came out as should have, and none differed.
    cycles : int
        From the first row of weights to the last partial sum.
    pixels : tuple of int
        Vectors of activations of each tile.
    seconds : float
        Wall time of the simulation.
    differences : tuple of str
        The first that differed, in the test bench's words.
    """

    sums: int
    wrong_sums: int
    codes: int
    wrong_codes: int
    passed: bool
    cycles: int
    pixels: tuple[int, ...]
    seconds: float
    differences: tuple[str, ...]


class Array:
    """The compiled test bench of an array; a context manager, which removes it at its end.

    Parameters
    ----------
    size : int
        Rows and columns of the mesh, 4 to 16.
    bits : int
        Of a partial sum, 8 to 32.
    overflow : {"wrap", "saturate"}
    simulator : {"icarus", "verilator"}, optional
        Icarus Verilog when not given.

    Raises
    ------
    HardwareError
        If the simulator is not installed (says what to install), or a parameter is not allowed.
    """

    def __init__(self, size: int, bits: int, overflow: Overflow, simulator: SimulatorName = "icarus") -> None:
        low, high = SIZES
        if not isinstance(size, int) or not low <= size <= high:
            raise HardwareError(f"size of the mesh must be a whole number from {low} to {high}, got {size!r}")
        Accumulator(bits, overflow)  # which checks both
        self.size, self.bits, self.overflow = size, bits, overflow
        self.simulator = chosen_simulator(simulator)
        self.version = simulator_version(self.simulator)
        parameters = {
            "SIZE": size,
            "SUM_BITS": bits,
            "SATURATE": int(overflow == "saturate"),
            "ADDRESS_BITS": (PIXELS - 1).bit_length(),
            "LINES": LINES,
        }
        self._folder = tempfile.TemporaryDirectory(prefix="axsim-array-")
        names = [f"{module}.v" for module in (*DESIGN, TEST_BENCH)]
        for name in names:
            (pathlib.Path(self._folder.name) / name).write_text(source(name.removesuffix(".v")), encoding="utf-8")
        self._program = compiled(self._folder.name, names, TEST_BENCH, self.simulator, parameters)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was compiled."""
        self._folder.cleanup()

    def run(
        self,
        tiles: Iterable[Tile],
        configuration: Configuration,
        output: tuple[int, int, int] = (0, -128, 127),
        *,
        bubbles: int = 0,
        seed: int = 1,
        reset_at: int | None = None,
    ) -> Outcome:
        """
        Stream tiles through the array and compare every partial sum and code.

        Parameters
        ----------
        tiles : Tiles of this array's size, with the sums that its bits and overflow give.
        configuration : Configuration
        output : (zero point, low, high) of the codes
        bubbles : int
            Percent of the cycles in which a stream pauses, or codes are not taken; the pauses are drawn from `seed`.
        reset_at : int, optional
            A cycle in which everything is reset; the streams begin anew behind it.

        Raises
        ------
        HardwareError
            If the simulation fails or takes longer than an hour. Sums that differ are no error: see `Outcome.passed`.
        """
        with tempfile.TemporaryDirectory(prefix="axsim-streams-") as name:
            written = write_streams(tiles, self.bits, pathlib.Path(name))
            zero_point, low, high = output
            settings = {
                "rows": written.rows,
                "vectors": written.vectors,
                "emits": written.emits,
                "codes": written.codes,
                "correction": configuration.correction,
                "cut": configuration.cut,
                "zero_point": zero_point,
                "low": low,
                "high": high,
                "bubbles": bubbles,
                "seed": seed,
                "limit": 10_000 + 100 * (written.vectors + written.rows),
                **({} if reset_at is None else {"reset_at": reset_at}),
            }
            if max(written.rows, written.vectors) > LINES:
                raise HardwareError(
                    f"tiles must have {LINES} rows of weights and {LINES} vectors of activations at most in one "
                    f"simulation, got {written.rows} and {written.vectors}; run fewer pixels at a time"
                )
            began = time.perf_counter()
            result = self._program.run([f"+{key}={value}" for key, value in settings.items()], name, SECONDS)
            seconds = time.perf_counter() - began
        return _outcome(result.stdout, complaint(result), written, seconds)


def _outcome(printed: str, complaint: str, written: Written, seconds: float) -> Outcome:
    counts = _COUNTS.search(printed)
    if counts is None:
        raise HardwareError(f"the simulation of the array did not come to its end: {complaint}")
    sums, wrong_sums, codes, wrong_codes, cycles = map(int, counts.groups())
    lines = [line for line in printed.splitlines() if " instead of " in line]
    # What the bench says is believed only together with its counts.
    complete = (sums, wrong_sums, codes, wrong_codes) == (written.vectors, 0, written.codes, 0)
    passed = complete and "PASS" in printed.split()
    return Outcome(sums, wrong_sums, codes, wrong_codes, passed, cycles, written.pixels, seconds, tuple(lines[:6]))
