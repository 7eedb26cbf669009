"""Writing files without ever losing one: a temporary name beside the target, then a rename."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from .errors import AxsimError


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], overwrite: bool = True) -> Iterator[pathlib.Path]:
    """
    Yield a temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    Raises
    ------
    AxsimError
        If the folder is missing or cannot be written, `path` is a folder, or it exists and may not be overwritten.
    """
    target = pathlib.Path(path)
    check_writable(target, overwrite)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise AxsimError(f"cannot write {target}: {error.strerror}") from None
    os.close(handle)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp made it private
        temporary.replace(target)
    except OSError as error:
        raise AxsimError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Raise AxsimError if `path` could not be written, so that long work is not begun in vain."""
    target = pathlib.Path(path)
    if target.is_dir():
        raise AxsimError(f"cannot write {target}: it is a folder; name a file")
    if not target.parent.is_dir():
        raise AxsimError(f"cannot write {target}: the folder {target.parent} does not exist; create it first")
    if not os.access(target.parent, os.W_OK):
        raise AxsimError(f"cannot write {target}: the folder {target.parent} is not writable; choose another")
    if target.exists() and not overwrite:
        raise AxsimError(f"cannot write {target}: it exists; choose another name, or pass --overwrite")
