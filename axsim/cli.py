"""The command line. Results on stdout, progress on stderr; exit code 2 and one line for whatever a user can mend.

Each command is a module of `commands`. Only argparse is imported at first: what a command needs is imported when it
runs, so that --help answers at once.
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

from . import __version__
from .commands import COMMANDS
from .errors import AxsimError, AxsimWarning, MistakesError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _complain(f"error: {' '.join(message.split())}; see '{self.prog} --help'")
        raise SystemExit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for what a user can mend, 130 when stopped by Ctrl-C."""
    try:
        given = _parser().parse_args(arguments)
        _check_environment()
        with _warnings_as_lines():
            result = given.command(given)
        _print(json.dumps(_plain(result.data), indent=2, allow_nan=False) if given.json else result.text)
        if result.failure is not None:
            raise result.failure
        return 0
    except MistakesError as error:
        for mistake in error.mistakes:
            _complain(f"error: {' '.join(mistake.split())}")
        return 2
    except AxsimError as error:
        _complain(f"error: {' '.join(str(error).split())}")
        return 2
    except KeyboardInterrupt as stop:
        _complain(str(stop) or "stopped; no file is left half-written")
        return 130


@contextlib.contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Say each AxsimWarning as one line."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, AxsimWarning):
                _complain(f"warning: {' '.join(str(message).split())}")
            else:
                shown(message, category, *place, **more)

        warnings.simplefilter("always", AxsimWarning)
        warnings.showwarning = show
        yield


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

    for name in COMMANDS:
        module = importlib.import_module(f".commands.{name}", __package__)
        description = _first_line(module)
        command = commands.add_parser(name, help=description, description=description)
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        module.configure(command)
        command.set_defaults(command=module.run)
    return parser


def _first_line(module: types.ModuleType) -> str:
    """First line of a module's text, as argparse shows it."""
    line = (module.__doc__ or "").partition("\n")[0].rstrip(".")
    return line[:1].lower() + line[1:]


if __name__ == "__main__":
    sys.exit(main())
