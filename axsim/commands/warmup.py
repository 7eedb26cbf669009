"""Compile the usual kernels once, so that the first run need not wait for them."""

import argparse

from ..progress import ProgressDisplay
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""


def run(given: argparse.Namespace) -> Result:
    """Compile all kernels."""
    import time

    display = ProgressDisplay()
    start = time.perf_counter()
    try:
        update = display.phase("compiling kernels")
        from ..bench import compile_all

        compile_all()
        update(1, 1)
    finally:
        display.close()
    seconds = time.perf_counter() - start
    return Result(f"all kernels compiled, or found compiled, in {seconds:.1f} s", {"seconds": seconds})
