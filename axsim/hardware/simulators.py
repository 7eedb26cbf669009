"""Simulators: Icarus Verilog, or Verilator, behind one call. Only Verilog that axsim wrote itself is run."""

import pathlib
import tempfile
from collections.abc import Mapping
from typing import Literal

from ..errors import HardwareError
from .tools import ICARUS, VERILATOR, VVP, Backend, Tool, complaint

SimulatorName = Literal["icarus", "verilator"]
SIMULATORS: tuple[SimulatorName, ...] = ("icarus", "verilator")

# Style only: files hold several modules, and a test bench has its own notion of time.
_VERILATOR_OFF = ("-Wno-DECLFILENAME", "-Wno-fatal")


def chosen_simulator(wanted: SimulatorName | None = None) -> SimulatorName:
    """
    Return the simulator to use: the one wanted, else Icarus Verilog, else Verilator, as installed.

    Raises HardwareError where there is none; says what to install.
    """
    if wanted is not None and wanted not in SIMULATORS:
        raise HardwareError(f"simulator must be 'icarus' or 'verilator', got {wanted!r}")
    if wanted == "verilator" or (wanted is None and not ICARUS.is_installed() and VERILATOR.is_installed()):
        VERILATOR.find()
        return "verilator"
    ICARUS.find()
    VVP.find()
    return "icarus"


def simulator_version(simulator: SimulatorName) -> str:
    """Return what the simulator says of its version."""
    return (ICARUS if simulator == "icarus" else VERILATOR).find().version


def simulate(
    sources: Mapping[str, str],
    top: str,
    data: Mapping[str, str] | None = None,
    simulator: SimulatorName | None = None,
    seconds: float = 600,
) -> str:
    """
    Compile Verilog and run it in an empty temporary folder; returns what it printed.

    Parameters
    ----------
    sources : mapping of str to str
        Verilog by file name. It is run: only text of axsim's own, since $fopen writes files.
    top : str
        The module to run; it ends with $finish, or $stop where it fails.
    data : mapping of str to str, optional
        Other files of the folder, such as those that $readmemh reads.
    simulator : {"icarus", "verilator"}, optional
        Icarus Verilog, else Verilator, as installed, when not given.
    seconds : float
        Limit of wall time for each of compilation and run.

    Raises
    ------
    HardwareError
        If no simulator is installed, it refuses the sources, or takes too long.
    """
    simulator = chosen_simulator(simulator)
    with tempfile.TemporaryDirectory(prefix="axsim-") as folder:
        for name, text in {**sources, **(data or {})}.items():
            (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")
        if simulator == "icarus":
            ICARUS.find().checked(["-g2001", "-s", top, "-o", "compiled", *sources], folder, seconds)
            # $stop ends it (-n); whether that is a failure, the caller reads from what is printed.
            return VVP.find().checked(["-n", "compiled"], folder, seconds)
        arguments = ["--binary", "--language", "1364-2001", "--top-module", top, "-o", "compiled", *_VERILATOR_OFF]
        VERILATOR.find().checked([*arguments, *sources], folder, seconds)
        program = Backend(Tool("the simulation", ""), (str(pathlib.Path(folder) / "obj_dir" / "compiled"),), "native")
        result = program.run([], folder, seconds)
        # Verilator reports $stop as an error; what failed, the caller reads from what is printed, as above.
        if result.returncode != 0 and "$stop" not in result.stderr + result.stdout:
            raise HardwareError(f"the simulation failed: {complaint(result)}")
        return result.stdout
