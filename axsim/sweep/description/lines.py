"""The line on which each key and each element of a TOML document stands; `tomllib` reads values without saying where.

The text is one that `tomllib` has read, so that its grammar (https://toml.io/en/v1.0.0) is not checked again.
"""

import re
import tomllib
from collections.abc import Iterator

Path = tuple[str | int, ...]

_TOKENS = re.compile(
    r'''(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')'''
    r"|(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<sign>[\[\]{}=,.])|(?P<space>[ \t\r]+)|(?P<bare>[^\s\[\]{}=,.\#\"']+)",
    re.DOTALL,
)


def lines(text: str) -> dict[Path, int]:
    """Line, from 1, of every table, key and element: {("networks", 0, "file"): 3, ...}."""
    return _Scan(text).found


class _Scan:
    """One pass over the tokens; `found` is filled as they go by."""

    def __init__(self, text: str) -> None:
        self.found: dict[Path, int] = {}
        self._tokens = _tokens(text)
        self._counts: dict[Path, int] = {}  # tables so far of each [[array]]
        self._line, self._kind, self._token = next(self._tokens)
        table: Path = ()
        while self._kind != "end":
            if self._kind == "newline":
                self._step()
            elif self._token == "[":
                table = self._header()
            else:
                self._pair(table)

    def _step(self) -> str:
        token = self._token
        self._line, self._kind, self._token = next(self._tokens)
        return token

    def _header(self) -> Path:
        line = self._line
        self._step()
        array = self._token == "["
        if array:
            self._step()
        *above, last = self._keys()
        path: Path = ()
        for key in above:
            path = (*path, key)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        path = (*path, last)
        if array:
            self._counts[path] = self._counts.get(path, 0) + 1
            self.found.setdefault(path, line)
            path = (*path, self._counts[path] - 1)
            self._step()
        self._step()
        self.found.setdefault(path, line)
        return path

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while self._token == ".":
            self._step()
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        quoted = self._kind == "text"
        token = self._step()
        return next(iter(tomllib.loads(f"{token} = 0"))) if quoted else token

    def _pair(self, table: Path) -> None:
        line = self._line
        path = (*table, *self._keys())
        for depth in range(len(table) + 1, len(path) + 1):
            self.found.setdefault(path[:depth], line)
        self._step()  # =
        self._value(path)

    def _value(self, path: Path) -> None:
        self.found.setdefault(path, self._line)
        if self._token == "[":
            self._step()
            self._elements(path)
        elif self._token == "{":
            self._step()
            self._inline(path)
        else:
            while self._kind in ("bare", "text") or self._token == ".":
                self._step()

    def _elements(self, path: Path) -> None:
        number = 0
        while self._token != "]":
            if self._kind == "newline" or self._token == ",":
                self._step()
            else:
                self._value((*path, number))
                number += 1
        self._step()

    def _inline(self, path: Path) -> None:
        while self._token != "}":
            if self._kind == "newline" or self._token == ",":
                self._step()
            else:
                self._pair(path)
        self._step()


def _tokens(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, kind and text of each token that is neither space nor comment; at the end "end", for ever."""
    line = 1
    for found in _TOKENS.finditer(text):
        kind, token = str(found.lastgroup), found[0]
        if kind not in ("space", "comment"):
            yield line, kind, "" if kind == "newline" else token
        line += token.count("\n")
    while True:
        yield line, "end", ""
