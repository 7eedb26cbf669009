"""Open JupyterLab on copies of the notebooks that explain axsim."""

import argparse

from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "folder",
        nargs="?",
        default="axsim-notebooks",
        help="where the copies go; what is there stays (axsim-notebooks)",
    )
    parser.add_argument("--copy-only", action="store_true", help="copy the notebooks and start nothing")
    parser.add_argument("--no-browser", action="store_true", help="start the server and print its address")


def run(given: argparse.Namespace) -> Result:
    """Copy the notebooks that are not there yet, then start JupyterLab and wait for it."""
    import importlib.util
    import subprocess
    import sys

    from ..errors import AxsimError
    from ..presentation.notebook_copies import copy_notebooks

    if not given.copy_only and importlib.util.find_spec("jupyterlab") is None:
        raise AxsimError("JupyterLab is not installed: pip install 'axsim[lab]'")
    folder, copied, kept = copy_notebooks(given.folder)
    text = f"{folder}: {len(copied)} notebooks copied, {len(kept)} already there"
    data = {"folder": str(folder), "copied": copied, "kept": kept}
    if given.copy_only:
        return Result(text, data)
    first = sorted([*copied, *kept])[0]
    options = ["--no-browser"] if given.no_browser else []
    code = subprocess.call([sys.executable, "-m", "jupyterlab", *options, first], cwd=folder)
    if code not in (0, 130, -2):
        raise AxsimError(f"JupyterLab ended with exit code {code}; its own words stand above")
    return Result(text, data)
