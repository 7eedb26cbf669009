"""IPython magics: `%load_ext axsim`, then `%axsim drum:k=4`, and `%%axsim` for a product of two arrays.

    %axsim drum:k=4            shows the multiplier

    %%axsim drum:k=4
    c = w @ x                  multiplies two arrays of the notebook, int8 or uint8, and shows the error matrix

The cell is read, not run: it names two arrays, and the name of the result if one is wanted.
"""

import re
from typing import Any

from IPython.core.error import UsageError

from ..comparison.experiment import experiment
from ..errors import AxsimError
from ..inference.gemm import matmul
from ..multipliers.catalog import multiplier

_PRODUCT = re.compile(r"\s*(?:([A-Za-z_]\w*)\s*=\s*)?([A-Za-z_]\w*)\s*@\s*([A-Za-z_]\w*)\s*")


def register(shell: Any) -> None:
    """Make the magics known to an IPython shell."""

    def axsim(line: str, cell: str | None = None) -> Any:
        """Show a multiplier (%axsim NAME), or a product through it of two arrays (%%axsim NAME, then `c = w @ x`)."""
        try:
            chosen = multiplier(line.strip() or "exact")
            return chosen if cell is None else _product(shell.user_ns, cell, chosen)
        except AxsimError as error:
            raise UsageError(str(error)) from None

    shell.register_magic_function(axsim, magic_kind="line_cell", magic_name="axsim")


def _product(namespace: dict[str, Any], cell: str, chosen: Any) -> Any:
    parts = _PRODUCT.fullmatch(cell)
    if parts is None:
        raise AxsimError(f"the cell must be a product of two arrays such as 'c = w @ x', got {cell.strip()!r}")
    for name in (parts[2], parts[3]):
        if name not in namespace:
            raise AxsimError(f"the notebook must have an array named {name}, but it has none")
    w, x = namespace[parts[2]], namespace[parts[3]]
    product = matmul(w, x, chosen)
    if parts[1]:
        namespace[parts[1]] = product
    return experiment(w, x, chosen)
