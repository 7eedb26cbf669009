"""Finished pieces of long work on disk: one line of JSON each, added as they are finished, so that none is lost.

The first line says what the work is and of what it is (for a study: digests of network, statistics and images, and its
settings); a file of other work is refused. A line that was cut off while it was written is dropped, and its piece
computed again; a damaged line before it is an error, for what stands behind it is not to be lost.
"""

import json
import os
import pathlib
from typing import Any

from .errors import AxsimError


class LineStore:
    """A file of finished pieces by key, of one kind of work; raises AxsimError if of other work, or not writable."""

    def __init__(self, path: str | os.PathLike[str], kind: str, about: dict[str, Any]) -> None:
        self._path = pathlib.Path(path)
        head = {"format": f"axsim-{kind} 1", **json.loads(json.dumps(about))}
        self.pieces: dict[str, Any] = {}
        try:
            if not self._path.exists():
                self._path.write_text(json.dumps(head) + "\n", encoding="utf-8")
            content = self._path.read_bytes()
        except OSError as error:
            raise AxsimError(f"cannot use {path}: {error.strerror}") from None
        lines = content.split(b"\n")
        try:
            found = json.loads(lines[0])
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("format") != head["format"]:
            raise AxsimError(f"{path}: is no file of a {kind}; choose another name")
        differs = [key for key in head if found.get(key) != head[key]]
        if differs:
            raise AxsimError(
                f"{path}: holds a {kind} with another {', '.join(differs)}; choose another name, or remove it"
            )
        for number, line in enumerate(lines[1:-1], 2):
            try:
                piece = json.loads(line)
                self.pieces[piece["key"]] = piece["value"]
            except (ValueError, KeyError, TypeError):
                raise AxsimError(f"{path}: line {number} is damaged; remove it, or choose another name") from None
        try:
            if len(lines) == 1:  # only the first line, cut off in front of its end
                with open(self._path, "ab") as file:
                    file.write(b"\n")
            elif lines[-1]:  # behind the last newline is nothing, or a line that was cut off
                with open(self._path, "r+b") as file:
                    file.truncate(len(content) - len(lines[-1]))
        except OSError as error:
            raise AxsimError(f"cannot use {path}: {error.strerror}") from None

    def add(self, key: str, value: Any) -> None:
        """Add a finished piece: on the disk when this returns."""
        line = json.dumps({"key": key, "value": value}) + "\n"
        try:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise AxsimError(f"cannot write {self._path}: {error.strerror}") from None
        self.pieces[key] = value
