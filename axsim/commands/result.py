"""What a command returns."""

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from ..errors import AxsimError


@dataclasses.dataclass(frozen=True)
class Result:
    """A command's result for people (text) and for programs (data, printed as JSON)."""

    text: str
    data: Any
    failure: AxsimError | None = None  # of what came after the result, such as writing a report


def written_report(
    write: Callable[[], None], path: str | os.PathLike[str] | None
) -> tuple[list[str], dict[str, Any], AxsimError | None]:
    """
    Write a report where one is asked for: minutes of work are shown all the same if it cannot be.

    Returns
    -------
    lines, data, failure
        The lines that name the report (none without one), `{"report": its path or None}`, and the AxsimError or None.
    """
    if path is None:
        return [], {"report": None}, None
    try:
        write()
    except AxsimError as error:
        return [], {"report": None}, error
    return [f"Report: {path}"], {"report": str(path)}, None
