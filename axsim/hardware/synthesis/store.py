"""Syntheses on disk: one line of JSON each, computed once for a circuit and a flow, never overwritten."""

import dataclasses
import os
import pathlib
from typing import Any

from ...errors import AxsimError, FileFormatError
from ...line_store import LineStore
from .flow import Placement
from .synthesis import Flow, Synthesis


def default_path() -> pathlib.Path:
    """Return the user's own store: synthesis.jsonl in the user's cache folder (XDG_CACHE_HOME)."""
    folder = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(folder) / "axsim" / "synthesis.jsonl"


class SynthesisStore:
    """
    A file of syntheses, made with its folder if it does not exist; without a path they are kept in memory alone.

    Raises
    ------
    AxsimError
        If the file is no store, or is damaged, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._lines: LineStore | None = None
        self._found: dict[str, Synthesis] = {}
        if path is None:
            return
        try:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AxsimError(f"cannot use {path}: {error.strerror}") from None
        self._lines = LineStore(path, "synthesis", {})
        try:
            self._found = {key: _read(value) for key, value in self._lines.pieces.items()}
        except (KeyError, TypeError, AttributeError):
            raise FileFormatError(f"{path}: holds something else than syntheses; choose another name") from None

    def get(self, verilog_sha256: str, flow: Flow) -> Synthesis | None:
        """Return the synthesis of a circuit in a flow, None if it is not there."""
        return self._found.get(_key(verilog_sha256, flow))

    def add(self, synthesis: Synthesis) -> None:
        """Add a synthesis: on the disk when this returns."""
        key = _key(synthesis.verilog_sha256, synthesis.flow)
        if self._lines is not None:
            self._lines.add(key, dataclasses.asdict(synthesis))
        self._found[key] = synthesis

    def all(self) -> list[Synthesis]:
        """Return all syntheses, the oldest first."""
        return list(self._found.values())


def _key(verilog_sha256: str, flow: Flow) -> str:
    return repr((verilog_sha256, *dataclasses.astuple(flow)))


def _read(value: dict[str, Any]) -> Synthesis:
    flow = Flow(**{**value["flow"], "seeds": tuple(value["flow"]["seeds"])})
    placement = value["placement"]
    if placement is not None:
        placement = Placement(placement["logic_cells"], tuple(placement["frequencies_mhz"]))
    return Synthesis(**{**value, "operands": tuple(value["operands"]), "flow": flow, "placement": placement})
