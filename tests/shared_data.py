"""The one place that knows where networks, images and truth tables for testing lie: a folder beside the checkout.

A user's checkout has none of it; tests that need a file then skip and say so. `AXSIM_TEST_DATA` names another place.
"""

import os
import pathlib

import pytest

FOLDER = pathlib.Path(os.environ.get("AXSIM_TEST_DATA", pathlib.Path(__file__).parents[2] / "shared" / "data"))


def shared_data(name: str) -> pathlib.Path:
    """Path of a test-data file; skips the calling test where it is absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"needs test data that is not part of the project: {name} (looked in {FOLDER})")
    return path
