"""Import multipliers from C, Verilog or tables, and check them."""

import argparse
import pathlib
from typing import TYPE_CHECKING, Any

from ..errors import AxsimError, MultiplierError
from ..progress import ProgressDisplay
from ..text import text_table
from .arguments import operands
from .result import Result

if TYPE_CHECKING:
    from ..importers.multipliers.read import Imported


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "path",
        help="C (.c, .h: a function of two integers, or an array), Verilog (.v, .sv), a table (.npy, .csv, .tsv, .txt, "
        ".bin, .raw), or a folder of such files. Nothing in them is executed",
    )
    parser.add_argument(
        "--operands",
        type=operands,
        metavar="W,X",
        help="formats of weight and activation, u8 or s8 each, where the file does not show them",
    )
    parser.add_argument(
        "--order",
        choices=("w,x", "x,w"),
        metavar="w,x|x,w",
        help="what the file's first and second operand are: weight (w), activation (x). By name (B, A: A is the "
        "weight), else the first, of a table the rows, is the weight",
    )
    parser.add_argument("--top", metavar="NAME", help="the C function or Verilog module that multiplies, if several")
    parser.add_argument(
        "--index", choices=("pattern", "value+128"), help="order of a table of signed operands (shown by its content)"
    )
    parser.add_argument(
        "--dtype",
        choices=("<i2", ">i2", "<u2", ">u2", "<i4", ">i4"),
        help="entries of a raw binary table (shown by its content)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="multiplier file to write, .h5; for a folder, a folder")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")


def run(given: argparse.Namespace) -> Result:
    """Import one file, or all of a folder."""
    from ..files import check_output

    if pathlib.Path(given.path).is_dir():
        return _folder(given)
    if given.output is not None:
        check_output(given.output, given.overwrite, given.path)
    imported = _import(given, given.path)
    written = ""
    if given.output is not None:
        _save(imported, given.output, given.overwrite)
        written = f"\n\nMultiplier: {given.output}"
    return Result(imported.text() + written, {**imported.as_dict(), "output": given.output})


def _import(given: argparse.Namespace, path: Any) -> "Imported":
    from ..importers.multipliers.read import import_multiplier

    display = ProgressDisplay()
    try:
        return import_multiplier(
            path,
            given.operands,
            given.order,
            top=given.top,
            index=given.index,
            dtype=given.dtype,
            phase=display.phase,
        )
    finally:
        display.close()


def _save(imported: "Imported", path: Any, overwrite: bool) -> None:
    from ..multipliers.multiplier_file import save

    save(imported.multiplier, path, imported.about, overwrite)


def _folder(given: argparse.Namespace) -> Result:
    """One row a file; what fails is listed and makes the exit code 2, the rest is imported all the same."""
    from ..importers.multipliers import SUFFIXES

    folder = pathlib.Path(given.path)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower().removeprefix(".") in SUFFIXES)
    if not paths:
        raise MultiplierError(f"{folder}: has no file that ends in one of .{' .'.join(SUFFIXES)}")
    output = None if given.output is None else pathlib.Path(given.output)
    if output is not None and not output.is_dir():
        raise AxsimError(f"cannot write into {output}: a folder is imported into a folder; create it first")

    rows, failed = [], []
    data: list[dict[str, Any]] = []
    for path in paths:
        target = None if output is None else output / f"{path.name}.h5"
        try:
            imported = _import(given, path)
            if target is not None:
                _save(imported, target, given.overwrite)
        except AxsimError as error:
            failed.append(f"{path.name}: {error}")
            data.append({"file": path.name, "error": str(error)})
            continue
        m, check = imported.check.moments, imported.check
        row = [path.name, imported.multiplier.name, " x ".join(imported.multiplier.operands), f"{m.mean_error:.4g}"]
        row += [f"{m.mae:.4g}", str(m.wce), f"{100 * m.error_rate:.1f} %", str(len(check.suspicions) or "-")]
        rows.append(row)
        entry: dict[str, Any] = {"file": path.name, **imported.as_dict(), "output": target and str(target)}
        data.append(entry)
    head = ["file", "multiplier", "operands", "mean error", "MAE", "WCE", "error rate", "warnings"]
    text = text_table(head, rows, right_from=3) if rows else "nothing could be imported"
    if failed:
        text += "\n\nNot imported:\n" + "\n".join(failed)
    failure = AxsimError(f"{len(failed)} of {len(paths)} files could not be imported") if failed else None
    return Result(text, {"files": data}, failure)
