"""Finished pieces of long work on disk: one line of JSON each, added as they are finished, so that none is lost.

The first line says what the work is and of what it is (for a study: digests of network, statistics and images, and its
settings); a file of other work is refused. A line that was cut off while it was written is dropped, and its piece
computed again; a damaged line before it is an error, for what stands behind it is not to be lost. Each line ends with a
digest of its value, so that a changed figure does not pass for a measured one.
"""

import hashlib
import json
import os
import pathlib
from typing import Any

from .errors import AxsimError
from .files import check_readable, check_writable, replacing


class LineStore:
    """A file of finished pieces by key, of one kind of work; raises AxsimError if of other work, or not writable."""

    def __init__(self, path: str | os.PathLike[str], kind: str, about: dict[str, Any]) -> None:
        self._path = pathlib.Path(path)
        head = {"format": f"axsim-{kind} 1", **json.loads(json.dumps(about))}
        first_line = (json.dumps(head) + "\n").encode()
        self.pieces: dict[str, Any] = {}
        content = b""
        try:
            if os.path.lexists(check_writable(path)):
                check_readable(path, AxsimError, "name the file of finished pieces")
                content = self._path.read_bytes()
        except OSError as error:
            raise AxsimError(f"cannot use {path}: {error.strerror}") from None
        if len(content) < len(first_line) and first_line.startswith(content):  # new, or cut off in its first line
            with replacing(path) as temporary:
                temporary.write_bytes(first_line)
            return
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
                f"{path}: holds a {kind} that differs in {', '.join(differs)}; choose another name, or remove it"
            )
        for number, line in enumerate(lines[1:-1], 2):
            try:
                piece = json.loads(line)
                if piece.get("sha256", digest := _digest(piece["value"])) != digest:
                    raise ValueError
                self.pieces[piece["key"]] = piece["value"]
            except (AttributeError, ValueError, KeyError, TypeError):
                raise AxsimError(f"{path}: line {number} is damaged; remove it, or choose another name") from None
        try:
            if lines[-1]:  # behind the last newline is nothing, or a line that was cut off
                with open(self._path, "r+b") as file:
                    file.truncate(len(content) - len(lines[-1]))
        except OSError as error:
            raise AxsimError(f"cannot use {path}: {error.strerror}") from None

    def add(self, key: str, value: Any) -> None:
        """Add a finished piece: on the disk when this returns."""
        plain = json.loads(json.dumps(value))  # as it is read back: keys are text then
        line = json.dumps({"key": key, "value": plain, "sha256": _digest(plain)}) + "\n"
        try:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise AxsimError(f"cannot write {self._path}: {error.strerror}") from None
        self.pieces[key] = value


def _digest(value: Any) -> str:
    """First half of the sha256 of a value read from JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
