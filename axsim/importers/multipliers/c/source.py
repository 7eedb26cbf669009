"""C text to a syntax tree: no preprocessor runs, no file is included."""

import re
from typing import Any

from ....errors import MultiplierError, first_line
from .types import NAMED

LARGEST = 1_000_000  # characters; the largest circuits of EvoApproxLib have 100,000
DEEPEST = 60  # brackets in one another

_TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def parse(text: str, name: str) -> Any:
    """
    Return pycparser's tree of `text`; `name` stands in messages.

    Raises
    ------
    MultiplierError
        If pycparser is missing, the text is too long or nested too deeply, has preprocessor lines other than #include,
        or is no C.
    """
    try:
        from pycparser import c_parser
    except ImportError:
        raise MultiplierError("reading C needs pycparser: pip install 'axsim[c]'") from None
    # Each branch of the parser raises an error of its own among these, and none says which line a bracket is on.
    source = _plain(text, name)
    # The names of <stdint.h>, on a line of their own so that line numbers stay.
    types = " ".join(f"typedef int {each};" for each in NAMED)
    try:
        return c_parser.CParser().parse(f'{types}\n#line 1 "{name}"\n{source}', filename=name)
    except RecursionError:
        raise MultiplierError(f"{name}: nested too deeply to be read") from None
    except Exception as error:  # ParseError moved between versions; nothing else may come out either
        raise MultiplierError(f"{name}: not C that can be read: {first_line(error)}") from None


def comments(text: str) -> str:
    """Return all comments of `text`, one a line."""
    return "\n".join(each for each in _TOKEN.findall(text) if each.startswith("/"))


def _plain(text: str, name: str) -> str:
    """Text without comments and #include lines, line by line as long as before."""
    if len(text) > LARGEST:
        raise MultiplierError(f"{name}: C source must have at most {LARGEST:,} characters, got {len(text):,}")

    def blank(match: re.Match[str]) -> str:
        token = match.group()
        return " " + "\n" * token.count("\n") if token.startswith("/") else token

    lines = _TOKEN.sub(blank, text).split("\n")
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#"):
            if not re.match(r"\s*#\s*include\b", line) or line.rstrip().endswith("\\"):
                raise MultiplierError(
                    f"{name}:{number}: preprocessor lines other than #include are not read, got {line.strip()[:60]!r}; "
                    "let a compiler expand them first, as `cc -E -P` does"
                )
            lines[number - 1] = ""
    source = "\n".join(lines)
    depth = 0
    for bracket in re.findall(r"[(){}\[\]]", source):
        depth += 1 if bracket in "({[" else -1
        if depth > DEEPEST:
            raise MultiplierError(f"{name}: brackets must be nested at most {DEEPEST} deep")
    return source
