"""The command line. Results on stdout, progress on stderr; exit code 2 and one line for whatever a user can mend.

Only argparse is imported here: what a command needs is imported when it runs, so that --help answers at once.
"""

import argparse
import contextlib
import io
import json
import os
import sys
from typing import Any, NoReturn

from . import __version__, cli_commands
from .errors import AxsimError

IMAGES_HELP = "images: .h5 (images uint8 [N, H, W, C]; labels, if known) or .npz"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _complain(f"error: {' '.join(message.split())}; see '{self.prog} --help'")
        raise SystemExit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for what a user can mend, 130 when stopped by Ctrl-C."""
    try:
        given = _parser().parse_args(arguments)
        _check_environment()
        result = given.command(given)
        _print(json.dumps(_plain(result.data), indent=2, allow_nan=False) if given.json else result.text)
        if result.failure is not None:
            raise result.failure
        return 0
    except AxsimError as error:
        _complain(f"error: {' '.join(str(error).split())}")
        return 2
    except KeyboardInterrupt:
        _complain("stopped; nothing was written")
        return 130


def _print(text: str) -> None:
    """Print a result; AxsimError where stdout cannot take it, quiet where its reader, `head` say, has seen enough."""
    if sys.stdout is None:
        raise AxsimError("cannot write the result: standard output is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise AxsimError(f"cannot write the result: {error.strerror}") from None


def _complain(text: str) -> None:
    """Say one line on stderr, if anybody can hear it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(f"axsim: {text}".encode("utf-8", "backslashreplace").decode(), file=sys.stderr, flush=True)


def _check_environment() -> None:
    """Refuse settings of Numba with which nothing runs, in words that name them."""
    threads = os.environ.get("NUMBA_NUM_THREADS", "1")
    if not threads.isdecimal() or int(threads) < 1:
        raise AxsimError(f"NUMBA_NUM_THREADS must be a whole number of 1 or more, got {threads!r}")
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        raise AxsimError("NUMBA_DISABLE_JIT must not be set: the kernels need their compiler")


def _plain(value: Any) -> Any:
    """Only what JSON knows: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="axsim",
        description="What an approximate multiplier does to an int8 neural network: simulated bit for bit, and "
        "predicted from the statistics of its error.",
        epilog="A multiplier is named by its family and parameters: exact, drum:k=4, broken_array:h=2,v=5,signed=1; "
        "`axsim multipliers` lists them.",
    )
    parser.add_argument("--version", action="version", version=f"axsim {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    demo = _command(commands, "demo", "run the main job on a network and images that ship with axsim")
    demo.add_argument(
        "--images", type=_count, metavar="N", help="images to classify, 1000 at most (500 with AVX-512, else 200)"
    )
    demo.add_argument(
        "--measured-images", type=_count, metavar="N", default=16, help="images to measure error matrices on (16)"
    )
    demo.add_argument("--report", metavar="FILE", help="HTML report (axsim-report.html; an earlier report is replaced)")

    _command(commands, "multipliers", "list the multipliers and their error under uniform operands")

    moments = _command(commands, "moments", "all error statistics of a multiplier under uniform operands")
    moments.add_argument("multiplier", help="for example drum:k=4")
    moments.add_argument("--operands", metavar="W,X", help="formats to serve, such as s8,s8 (the multiplier's own)")
    moments.add_argument(
        "--zero-products",
        choices=("exclude", "zero", "one"),
        default="exclude",
        help="relative error where the exact product is 0: leave out, count as 0, divide by 1 (exclude)",
    )

    convert = _command(commands, "convert", "convert a float ONNX model to a quantized network")
    convert.add_argument("model", help="float .onnx file")
    convert.add_argument("--images", required=True, metavar="FILE", help=f"to calibrate on; {IMAGES_HELP}")
    convert.add_argument("-o", "--output", required=True, metavar="FILE", help="network file to write, .h5")
    convert.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    convert.add_argument(
        "--scheme",
        choices=("symmetric", "affine"),
        default="symmetric",
        help="symmetric: s8, zero points 0; affine: u8 activations with zero points (symmetric)",
    )
    convert.add_argument(
        "--calibration",
        choices=("minmax", "percentile", "mse"),
        default="minmax",
        help="rule for activation ranges (minmax)",
    )
    convert.add_argument("--limit", type=_count, metavar="N", help="calibrate on the first N images")
    convert.add_argument(
        "--pixel-scale",
        type=float,
        default=255.0,
        metavar="S",
        help="the model's input is (pixel / S - mean) / std (255)",
    )
    convert.add_argument(
        "--mean",
        type=_numbers,
        metavar="M,...",
        help="one a channel, after the division by S (0); --mean=-1,-1,-1 where it begins with a minus",
    )
    convert.add_argument("--std", type=_numbers, metavar="S,...", help="one a channel (1)")
    convert.add_argument("--name", help="name of the network (the model's file name)")
    convert.add_argument("--licence", help="licence of the model, kept in the file")
    convert.add_argument("--origin", help="where the model comes from, kept in the file")

    run = _command(commands, "run", "run images through a network and a multiplier")
    _network_and_images(run)
    run.add_argument("--multiplier", default="exact", metavar="NAME", help="for all layers (exact)")
    run.add_argument(
        "--layer",
        action="append",
        default=[],
        metavar="LAYER=NAME",
        dest="layers",
        help="another multiplier for one layer; may be repeated",
    )
    run.add_argument("--statistics", action="store_true", help="error matrix norms of each layer, on this run's inputs")
    run.add_argument("--batch-size", type=_count, metavar="N", help="images computed at a time (bounded by memory)")

    compare = _command(commands, "compare", "measured beside predicted, for several multipliers")
    _network_and_images(compare)
    compare.add_argument("--multipliers", nargs="+", required=True, metavar="NAME")
    compare.add_argument(
        "--measured-images", type=_count, metavar="N", default=16, help="images to measure error matrices on (16)"
    )
    compare.add_argument("--report", metavar="FILE", help="write an HTML report")
    compare.add_argument("--overwrite", action="store_true", help="replace the report if it exists")

    bench = _command(commands, "bench", "time the kernels side by side with NumPy and, where installed, ONNX Runtime")
    bench.add_argument("--threads", type=_counts, default=None, metavar="N,...", help="thread counts (1 and all cores)")
    bench.add_argument("--seconds", type=_seconds, default=0.6, metavar="S", help="for each contender of a shape (0.6)")
    bench.add_argument("--only", metavar="WORDS", help="only shapes whose name contains these words")
    bench.add_argument("--explain", metavar="NAME", help="say how that multiplier's table is multiplied, and why")

    _command(commands, "warmup", "compile the usual kernels once, so that the first run need not wait for them")
    return parser


def _command(commands: Any, name: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=description, description=description)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=getattr(cli_commands, name))
    return parser


def _network_and_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", help="network file, .h5")
    parser.add_argument("--images", required=True, metavar="FILE", help=IMAGES_HELP)
    parser.add_argument("--limit", type=_count, metavar="N", help="use the first N images")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_count(part) for part in text.split(","))


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 3600, got {text}")
    return value


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


_count.__name__ = "whole number"  # argparse names the type in its message
_counts.__name__ = "list of whole numbers"
_seconds.__name__ = "number of seconds"
_numbers.__name__ = "list of numbers"

if __name__ == "__main__":
    sys.exit(main())
