"""What a command returns."""

import dataclasses
from typing import Any

from ..errors import AxsimError


@dataclasses.dataclass(frozen=True)
class Result:
    """A command's result for people (text) and for programs (data, printed as JSON)."""

    text: str
    data: Any
    failure: AxsimError | None = None  # of what came after the result, such as writing a report
