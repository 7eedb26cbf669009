"""What Verilog text may contain before Yosys sees it.

Yosys opens the files that `include and $readmemh name, and calls functions of shared libraries that `import "DPI-C"`
names. None of that belongs into a multiplier: whatever could lead there is refused by name, in the text as it is.
Comments, strings and macros make no difference, since directives and system tasks are allowed one by one.
"""

import re

from ....errors import MultiplierError

LARGEST = 2_000_000  # characters
DIRECTIVES = (
    *("define", "undef", "ifdef", "ifndef", "else", "elsif", "endif"),
    *("timescale", "default_nettype", "resetall", "celldefine", "endcelldefine"),
)
FUNCTIONS = ("signed", "unsigned", "clog2", "bits", "size", "left", "right", "high", "low")

# A comment, or a string, which is kept: what stands in it may be spelled like a comment.
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)


def comments(text: str) -> str:
    """Return all comments of `text`, one a line."""
    return "\n".join(each for each in _COMMENT.findall(text) if each.startswith("/"))


def checked(text: str, name: str) -> str:
    """
    Return `text` without its comments, which is what was checked and what Yosys may be given.

    Raises
    ------
    MultiplierError
        If it is too long, or has a directive, system task or string that is not allowed; with file and line.
    """
    if len(text) > LARGEST:
        raise MultiplierError(f"{name}: Verilog source must have at most {LARGEST:,} characters, got {len(text):,}")
    if "\0" in text:
        raise MultiplierError(f"{name}: is not text: it has a null character")
    plain = _COMMENT.sub(_blank, text)

    def refuse(position: int, what: str) -> MultiplierError:
        line = plain.count("\n", 0, position) + 1
        return MultiplierError(f"{name}:{line}: {what}")

    defined = set(re.findall(r"`define\s+(\w+)", plain))
    for match in re.finditer(r"`(`|\"|\w+)?", plain):
        word = match.group(1) or ""
        if word not in DIRECTIVES and word not in defined:
            raise refuse(
                match.start(),
                f"directive `{word} is not allowed; only {', '.join(DIRECTIVES)} and macros of the file are, and no "
                "other file is read",
            )
    for match in re.finditer(r"(?<![\w$])\$(\w*)|\\\$\w*", plain):
        if match.group(1) not in FUNCTIONS:
            raise refuse(
                match.start(),
                f"{match.group()} is not allowed; of system tasks and functions only "
                f"{', '.join('$' + each for each in FUNCTIONS)} are",
            )
    # Any of these left over means that a comment or string was not recognised here as Yosys would recognise it.
    for match in re.finditer(r"\"(?:\\.|[^\"\\\n])*\"|\"|/[/*]", plain):
        string = match.group()
        if len(string) < 2 or not re.fullmatch(r"\"[\w .,:;=+()%-]*\"", string) or "DPI" in string.upper():
            raise refuse(match.start(), f"strings may have letters, digits and blanks only, got {string[:40]}")
    return plain


def _blank(match: re.Match[str]) -> str:
    token = match.group()
    return " " + "\n" * token.count("\n") if token.startswith("/") else token
