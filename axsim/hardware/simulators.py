"""Simulators: Icarus Verilog, or Verilator, behind one call. Only Verilog that axsim wrote itself is run."""

import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Literal

from ..errors import HardwareError
from .tools import ICARUS, VERILATOR, VVP, Backend, Tool, complaint

SimulatorName = Literal["icarus", "verilator"]
SIMULATORS: tuple[SimulatorName, ...] = ("icarus", "verilator")

_VERILATOR = ("--binary", "-O3", "-Wno-fatal", "-Wno-lint", "-Mdir", "compiled", "-o", "simulation")


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


def compiled(
    folder: str | os.PathLike[str],
    names: Sequence[str],
    top: str,
    simulator: SimulatorName,
    parameters: Mapping[str, int] | None = None,
    seconds: float = 600,
) -> Backend:
    """
    Compile Verilog files of a folder; returns the program, which is run with plusargs as often as wanted.

    Parameters
    ----------
    folder : path
        Where the files are, and where what is compiled stays.
    names : sequence of str
        Verilog files in it. They are run: only text of axsim's own, since $fopen writes files.
    top : str
        The module to run. $stop ends it; whether that is a failure, the caller reads from what is printed.
    simulator : {"icarus", "verilator"}
        An installed one, from `chosen_simulator`.
    parameters : mapping of str to int, optional
        Of the top module.
    seconds : float
        Limit of wall time.

    Raises
    ------
    HardwareError
        If the simulator refuses the files, or takes too long.
    """
    values = (parameters or {}).items()
    if simulator == "icarus":
        given = [f"-P{top}.{name}={value}" for name, value in values]
        ICARUS.find().checked(["-g2001", "-s", top, *given, "-o", "compiled", *names], folder, seconds)
        vvp = VVP.find()
        return dataclasses.replace(vvp, prefix=(*vvp.prefix, "-n", str(pathlib.Path(folder) / "compiled")))
    given = [f"-G{name}={value}" for name, value in values]
    language = ["--language", "1364-2001", "--top-module", top]
    VERILATOR.find().checked([*_VERILATOR, *language, *given, *names], folder, seconds)
    return Backend(Tool("the simulation", ""), (str(pathlib.Path(folder) / "compiled" / "simulation"),), "native")


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
        program = compiled(folder, list(sources), top, simulator, seconds=seconds)
        result = program.run([], folder, seconds)
        # Verilator reports $stop as an error.
        if result.returncode != 0 and "$stop" not in result.stderr + result.stdout:
            raise HardwareError(f"{program.tool.command} failed: {complaint(result)}")
        return result.stdout
