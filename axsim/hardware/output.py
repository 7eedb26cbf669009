"""Writing a circuit: the design, its test bench and its vectors, side by side in a folder."""

import dataclasses
import os
import pathlib

from ..errors import AxsimError
from ..files import check_writable, replacing
from .design import Design
from .test_bench import test_bench
from .vectors import vectors


@dataclasses.dataclass(frozen=True)
class Written:
    """Paths of what was written, and the vectors: how many pairs, and the seed where they are a sample."""

    paths: list[str]
    pairs: int
    seed: int | None


def write(
    name: str,
    design: Design,
    folder: str | os.PathLike[str],
    sample: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> Written:
    """
    Write NAME.v, NAME_test_bench.v and NAME_vectors.hex of a circuit into `folder`, which is made where it is missing.

    `name` is the multiplier's, for the vectors; sample and seed as `vectors` takes them.

    Raises
    ------
    AxsimError
        If the folder cannot be written, or a file exists and may not be overwritten: then none is written.
    """
    place = pathlib.Path(folder)
    names = [f"{design.top}{ending}" for ending in (".v", "_test_bench.v", "_vectors.hex")]
    if os.path.lexists(place) and not place.is_dir():
        raise AxsimError(f"output must be a folder, got the file {place}")
    if place.is_dir():
        for each in names:
            check_writable(place / each, overwrite)
    expected = vectors(name, design, sample, seed)
    texts = [design.text, test_bench(design, expected), expected.hexadecimal(design)]
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise AxsimError(f"cannot make the folder {place}: {error.strerror}") from None
    for each, text in zip(names, texts, strict=True):
        with replacing(place / each, overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return Written([str(place / each) for each in names], len(expected), expected.seed)
