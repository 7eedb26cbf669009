"""The notebooks that ship with axsim, copied to where they may be changed."""

import importlib.resources
import os
import pathlib

from ..errors import AxsimError
from ..files import replacing


def copy_notebooks(folder: str | os.PathLike[str]) -> tuple[pathlib.Path, list[str], list[str]]:
    """
    Copy every notebook into `folder`, which is made if it is missing; what is there already stays as it is.

    Returns the folder, the names copied, and the names that were there. Raises AxsimError if it cannot be written.
    """
    target = pathlib.Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AxsimError(f"cannot write {target}: {error.strerror}; name another folder") from None
    copied, kept = [], []
    for source in sorted(pathlib.Path(str(importlib.resources.files("axsim") / "notebooks")).glob("*.ipynb")):
        if (target / source.name).exists():
            kept.append(source.name)
            continue
        with replacing(target / source.name, overwrite=False) as temporary:
            temporary.write_bytes(source.read_bytes())
        copied.append(source.name)
    return target, copied, kept
