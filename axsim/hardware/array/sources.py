"""The Verilog files of the array."""

import importlib.resources
import os
import pathlib

from ...errors import HardwareError
from ...files import check_writable, replacing

TOP, TEST_BENCH = "gemm_engine", "gemm_engine_test"
DESIGN = (
    "logarithm",
    "configurable_mbm",
    "configuration",
    "delay",
    "processing_element",
    "mesh",
    "systolic_array",
    "accumulator",
    "requantizer",
    TOP,
)  # what is used before what uses it; each module in a file of its name


def source(module: str) -> str:
    """Text of the file of one module."""
    return (importlib.resources.files(__package__) / "verilog" / f"{module}.v").read_text(encoding="utf-8")


def write_verilog(folder: str | os.PathLike[str], overwrite: bool = False) -> list[str]:
    """
    Write the circuit and its test bench into a folder, which is made if it is not there; returns the paths.

    Raises
    ------
    AxsimError
        If the folder cannot be written, or a file exists and may not be overwritten: then none is written.
    """
    place = pathlib.Path(folder)
    if os.path.lexists(place) and not place.is_dir():
        raise HardwareError(f"output must be a folder, got the file {place}")
    paths = [place / f"{module}.v" for module in (*DESIGN, TEST_BENCH)]
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise HardwareError(f"cannot make the folder {place}: {error.strerror}") from None
    for path in paths:
        check_writable(path, overwrite)
    for path in paths:
        with replacing(path, overwrite) as temporary:
            temporary.write_text(source(path.stem), encoding="utf-8")
    return [str(path) for path in paths]
