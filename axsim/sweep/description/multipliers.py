"""Names that stand for many multipliers: ranges of parameters, and patterns.

drum:k=3..6        a range, both ends included; several in one name give every combination
mul8s_*            the names that `axsim multipliers` lists and that serve the network
imported/*.h5      files
"""

import fnmatch
import glob
import itertools
import os
import re

from ...errors import MultiplierError
from ...multipliers import catalog
from ...multipliers.members import BrokenRule
from ..sources import MultiplierSource

_RANGE = re.compile(r"(?<==)\s*(-?\d{1,9})\s*\.\.\s*(-?\d{1,9})")
LARGEST = 100_000  # names that one may stand for


def is_pattern(name: str) -> bool:
    """Whether it stands for those of the listed names that it matches."""
    return any(sign in name for sign in "*?") and not catalog.PATH.search(name)


def found(name: str, folder: str | os.PathLike[str]) -> tuple[list[MultiplierSource], list[str]]:
    """
    Return the multipliers that a name stands for, and what is left out: combinations that break a rule of the family.

    Raises MultiplierError if it stands for none, or one of them is wrong.
    """
    sources, left_out = [], []
    for each in _names(name, folder):
        try:
            sources.append(MultiplierSource.of(each, folder))
        except BrokenRule as error:
            if each == name:
                raise
            left_out.append(str(error))
    if not sources:
        raise MultiplierError(f"{name!r} stands for no multiplier: {left_out[0] if left_out else 'nothing matches it'}")
    return sources, left_out


def _names(name: str, folder: str | os.PathLike[str]) -> list[str]:
    if is_pattern(name):
        return [each for each in catalog.names() if fnmatch.fnmatchcase(each, name)]
    if any(sign in name for sign in "*?") and not os.path.exists(os.path.join(folder, name)):
        return sorted(glob.glob(name, root_dir=folder))
    ends = [(int(low), int(high)) for low, high in _RANGE.findall(name)]
    count = 1
    for low, high in ends:
        if low > high:
            raise MultiplierError(f"{name!r}: a range must go from its least to its greatest, got {low}..{high}")
        count *= high - low + 1
    if count > LARGEST:
        raise MultiplierError(f"{name!r}: must stand for at most {LARGEST} multipliers, got {count}")
    parts = _RANGE.split(name)[::3]  # what stands between the ranges
    return [
        parts[0] + "".join(f"{value}{part}" for value, part in zip(values, parts[1:], strict=True))
        for values in itertools.product(*(range(low, high + 1) for low, high in ends))
    ]
