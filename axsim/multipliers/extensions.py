"""Families and multipliers from outside of axsim: a folder that the user names, and installed packages.

Both are code and run as such, with the user's rights. Neither is found by accident: the folder must stand in the
environment variable AXSIM_FAMILIES (several are separated as in PATH), and a package must be installed and declare

    [project.entry-points."axsim.multipliers"]
    mine = "package.module:object"

A file of the folder, `name.py`, defines FAMILY, as a module of kernels/multipliers does. A package's object is a
Family, a Multiplier, or a function of two unsigned integers.
"""

import dataclasses
import functools
import importlib.metadata
import importlib.util
import os
import pathlib
import warnings
from typing import Any, NoReturn

from ..errors import AxsimWarning, MultiplierError, first_line
from ..kernels.multipliers.family import Family
from .product_table import Multiplier

VARIABLE, GROUP = "AXSIM_FAMILIES", "axsim.multipliers"


@dataclasses.dataclass(frozen=True)
class Extension:
    """What an extension brings.

    Attributes
    ----------
    given : object
        Of a folder, a Family; of a package, whatever its entry point names.
    origin : str
        Which file or package brought it, for messages.
    """

    given: Any
    origin: str


def families() -> dict[str, Extension]:
    """
    Return the families of the folders and of the installed packages, by name.

    Raises
    ------
    MultiplierError
        If a folder of AXSIM_FAMILIES or a file in it cannot be read, or defines no family, or two define the same.
        If two entry points have one name.
    """
    found: dict[str, Extension] = {}
    from_packages = [each for each in _installed().values() if isinstance(each.given, Family)]
    for each in [*_of_folders(), *from_packages]:
        name = each.given.name
        if name in found:
            raise MultiplierError(f"family {name} is defined twice: by {found[name].origin} and by {each.origin}")
        found[name] = each
    return found


def multipliers() -> dict[str, Extension]:
    """
    Return the multipliers that installed packages bring, each `given` a Multiplier, by the name of their entry point.

    Raises MultiplierError if a function among them fails, or two entry points have one name.
    """
    return {
        name: dataclasses.replace(each, given=_multiplier(name, each.given))
        for name, each in _installed().items()
        if not isinstance(each.given, Family)
    }


def refuse_name(kind: str, name: str, extension: Extension) -> NoReturn:
    """Raise a MultiplierError: an extension has a name that is axsim's own."""
    raise MultiplierError(
        f"{kind} {name} of {extension.origin} has the name of one of axsim's own; rename it there, or leave it out"
    )


def _multiplier(name: str, given: Any) -> Multiplier:
    if isinstance(given, Multiplier):
        return given
    return Multiplier.from_function(given, name=name, source=f"entry point {name} of {GROUP}")


def _of_folders() -> list[Extension]:
    folders = filter(None, os.environ.get(VARIABLE, "").split(os.pathsep))
    return [each for folder in folders for each in _of_folder(folder)]


def _of_folder(folder: str) -> list[Extension]:
    try:
        paths = sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix == ".py" and path.name[0] != "_")
        stamps = tuple((str(path), path.stat().st_mtime_ns) for path in paths)
    except OSError as error:
        raise MultiplierError(f"{VARIABLE}: cannot read {folder}: {error.strerror}") from None
    return [Extension(_of_file(path, stamp), f"{path} (in a folder of {VARIABLE})") for path, stamp in stamps]


@functools.cache
def _of_file(path: str, stamp: int) -> Family:
    """Run a file once for each state of it, and return its FAMILY."""
    name = pathlib.Path(path).stem
    specification = importlib.util.spec_from_file_location(f"axsim_family_{name}", path)
    assert specification is not None and specification.loader is not None  # for a path that ends in .py
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise MultiplierError(f"{path}: {type(error).__name__}: {first_line(error)}") from error
    family = getattr(module, "FAMILY", None)
    if not isinstance(family, Family):
        raise MultiplierError(f"{path}: FAMILY must be a Family of axsim.kernels.multipliers.family, got {family!r}")
    return family


@functools.cache
def _installed() -> dict[str, Extension]:
    """Load what entry points bring, by their names. One that cannot be loaded is left out with a warning."""
    found: dict[str, Extension] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        package = point.dist.name if point.dist is not None else "an unknown package"
        origin = f"package {package} (entry point {point.name} = {point.value})"
        if point.name in found:
            raise MultiplierError(f"{found[point.name].origin} and {origin} have one name; uninstall one of them")
        try:
            found[point.name] = Extension(point.load(), origin)
        except Exception as error:
            warnings.warn(f"{origin} is left out: {first_line(error)}", AxsimWarning, stacklevel=4)
    return found
