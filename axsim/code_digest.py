"""Which code a stored result is of: a digest of the sources that decide it, so that those of other code do not pass."""

import functools
import hashlib
import pathlib

from .kernels.compilation import source_digest


@functools.cache
def code_digest(*parts: str) -> str:
    """sha256 (hex) over the names and contents of the kernels' sources and of `parts`: rooms or files of axsim/."""
    package = pathlib.Path(__file__).resolve().parent
    missing = [part for part in parts if not (package / part).exists()]
    assert not missing, missing  # a room that was renamed must not drop out unnoticed
    files = {
        file
        for part in parts
        for file in ([package / part] if part.endswith(".py") else (package / part).rglob("*.py"))
    }
    content = hashlib.sha256(source_digest().encode())
    for path in sorted(files):
        content.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()
