"""Reading and writing files: errors in one line, and never a file lost or left half-written."""

import contextlib
import os
import pathlib
import stat
import tempfile
from collections.abc import Iterator

from .errors import AxsimError

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")  # endings of what is read of a folder, besides CSV files of labels


def check_readable(path: str | os.PathLike[str], error: type[AxsimError], hint: str) -> None:
    """Raise `error` unless `path` is a regular file that can be opened; `hint` says what to do where there is none."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise error(f"{path}: is a folder; name a file")
        if not stat.S_ISREG(mode):
            raise error(f"{path}: is no regular file; copy what it holds to one")
        with open(path, "rb"):
            pass
    except FileNotFoundError:
        raise error(f"{path}: no such file; {hint}") from None
    except (OSError, ValueError) as cause:  # ValueError: a null character
        raise error(f"{path}: cannot be read: {getattr(cause, 'strerror', None) or cause}") from None


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], overwrite: bool = True) -> Iterator[pathlib.Path]:
    """
    Yield a temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    A symbolic link is followed: its target is replaced, not the link.

    Raises
    ------
    AxsimError
        If the folder is missing or cannot be written, `path` is no regular file, or exists and may not be overwritten.
    """
    target = pathlib.Path(check_writable(path, overwrite))
    try:
        handle, name = tempfile.mkstemp(prefix=".axsim-", suffix=".part", dir=target.parent)
    except OSError as error:
        raise AxsimError(f"cannot write {target}: {error.strerror}") from None
    os.close(handle)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp made it private
        if not overwrite and os.path.lexists(target):
            raise AxsimError(f"cannot write {target}: it has come to exist meanwhile; choose another name")
        temporary.replace(target)
    except OSError as error:
        raise AxsimError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str], overwrite: bool = True) -> str:
    """Return the path behind any links; raise AxsimError if it could not be written, before any work is begun."""
    try:
        if not os.fspath(path):
            raise AxsimError("cannot write: the name of the file is empty")
        target = os.path.realpath(path)
        folder = os.path.dirname(target)
        if os.path.isdir(target):
            raise AxsimError(f"cannot write {path}: it is a folder; name a file")
        if os.path.lexists(target) and not os.path.isfile(target):
            raise AxsimError(f"cannot write {path}: it is no regular file; choose another name")
        if os.path.lexists(path) and not overwrite:
            raise AxsimError(f"cannot write {path}: it exists; choose another name, or pass --overwrite")
        if not os.path.isdir(folder):
            raise AxsimError(f"cannot write {path}: the folder {folder} does not exist; create it first")
        if not os.access(folder, os.W_OK):
            raise AxsimError(f"cannot write {path}: the folder {folder} is not writable; choose another")
        if not os.path.lexists(target):
            os.stat(folder + os.sep + os.path.basename(target))
    except FileNotFoundError:
        return target  # as it should be; a name that is too long is another error
    except AxsimError:  # one of the above, which is a ValueError too
        raise
    except (OSError, ValueError) as error:
        raise AxsimError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    return target


def check_output(path: str | os.PathLike[str], overwrite: bool, *sources: str | os.PathLike[str] | None) -> None:
    """
    Raise AxsimError if `path` could not be written, or is one of the files that the work reads.

    Of a folder these are its pictures and CSV files, those of the folders in it, and FOLDER_labels.csv beside it.
    """
    target = check_writable(path, overwrite)
    place = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # a link stays a link
    of_a_folder = target.lower().endswith((*PICTURE_SUFFIXES, ".csv")) and os.path.exists(target)
    for source in sources:
        if not source:
            continue
        folder = os.path.realpath(source)
        read = target in (folder, f"{folder}_labels.csv")
        if not read and os.path.isdir(folder) and of_a_folder:
            inside = any(os.path.commonpath([folder, name]) == folder for name in (place, target))
            read = inside or target in _link_targets(folder)
        if read:
            raise AxsimError(f"output must be another file than what is read, got {path}")


def _link_targets(folder: str) -> Iterator[str]:
    """Yield the files that links in a folder, and in the folders in it, lead to."""
    for at, _, names in os.walk(folder):
        for name in names:
            if os.path.islink(file := os.path.join(at, name)):
                yield os.path.realpath(file)
