"""The compile cache never runs old code and never stands in the way of a run.

Each test copies the kernels into a package of its own, adds a kernel that calls a helper in another file, and runs it
in new processes, between which it edits sources and damages cache files.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

KERNELS = pathlib.Path(__file__).parents[1] / "kernels"

HELPER = """
from .compilation import kernel

@kernel
def offset(value):
    return value + 1
"""
CALLER = """
from .compilation import elementwise, kernel
from .helper import offset

@kernel
def total(values):
    result = 0
    for value in values:
        result += offset(value)
    return result

@elementwise
def shifted(value):
    return offset(value)
"""
RUN = """
import json
import numpy as np
from axsim_copy.kernels import caller
answer = [int(caller.total(np.arange(4))), caller.shifted(np.arange(4)).tolist()]
stats = caller.total.stats
print(json.dumps([answer, sum(stats.cache_hits.values()), sum(stats.cache_misses.values())]))
"""
ANSWER = [10, [1, 2, 3, 4]]
ANSWER_EDITED = [34, [7, 8, 9, 10]]
FULL_DISK = """
import numba.core.caching
def save(self, name, data):
    raise OSError(28, "No space left on device")
numba.core.caching.IndexDataCacheFile._save_data = save
"""
OTHER_NUMBA = """
import numba.core.caching
del numba.core.caching.IndexDataCacheFile
"""


class Copy:
    """A copy of the kernels, importable as `axsim_copy.kernels` by new processes; or a copy of such a copy."""

    def __init__(self, folder, template=None):
        self.folder = folder
        self.kernels = folder / "axsim_copy" / "kernels"
        (folder / "home").mkdir()
        if template is not None:
            shutil.copytree(template.kernels.parent, self.kernels.parent)
            return
        shutil.copytree(KERNELS, self.kernels, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "axsim_copy" / "__init__.py").touch()
        (self.kernels / "helper.py").write_text(HELPER)
        (self.kernels / "caller.py").write_text(CALLER)

    def start(self, script, **environment):
        # Without .pyc files: Python's own are stale after an edit of equal length within the same second.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
        own = {"PYTHONPATH": self.folder, "PYTHONDONTWRITEBYTECODE": 1, "HOME": self.folder / "home"}
        own |= {"XDG_CACHE_HOME": self.folder / "home" / "cache"} | environment
        return subprocess.Popen(
            [sys.executable, "-c", script],
            env=kept | {name: str(value) for name, value in own.items()},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script=RUN, **environment):
        """What a new process prints as JSON, and what it says on stderr."""
        output, errors = (process := self.start(script, **environment)).communicate(timeout=120)
        assert process.returncode == 0, errors
        return json.loads(output), errors

    def answer(self, script=RUN, **environment):
        return self.run(script, **environment)[0][0]

    def edit(self, name, old, new):
        path = self.kernels / name
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))

    def cache(self, suffix, folder=None):
        return sorted((folder or self.folder).rglob(f"*.{suffix}"))

    def cache_state(self):
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in self.cache("nb?")}

    def block_in_tree_cache(self):
        """Put a plain file where each `__pycache__` would be: that stops root too, whom permissions do not."""
        for folder in (self.kernels, self.kernels / "multipliers"):
            (folder / "__pycache__").write_text("in the way")


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    """A copy whose kernels were compiled by an earlier process."""
    first = Copy(tmp_path_factory.mktemp("cached"))
    assert first.run()[0] == [ANSWER, 0, 1]
    return first


@pytest.fixture
def warm(tmp_path, cached):
    """A copy of its own, with a filled cache beside it."""
    return Copy(tmp_path, template=cached)


def test_edit_of_a_helper_in_another_file_is_seen(warm):
    """The trap of numba issue 1833: the caller's file did not change, its machine code must."""
    warm.edit("helper.py", "value + 1", "value + 7")
    assert warm.run()[0] == [ANSWER_EDITED, 0, 1]
    warm.edit("helper.py", "value + 7", "value + 1")
    assert warm.answer() == ANSWER


@pytest.mark.parametrize(
    ("name", "edited", "old", "new", "before", "after"),
    [
        ("mitchell", "bits.py", "return position", "return 0", 28, 18),
        ("truncated", "broken_array.py", "for i in range(h, width)", "for i in range(h, 2)", 28, 4),
    ],
)
def test_edit_below_a_family_is_seen(copy, name, edited, old, new, before, after):
    """5 x 6 through a family, before and after an edit of a function that it calls in another file."""
    parameters = {"mitchell": "", "truncated": "t=0, v=2"}[name]
    script = (
        f"import json\nfrom axsim_copy.kernels.multipliers.{name} import FAMILY\n"
        f"print(json.dumps([int(FAMILY(5, 6, {parameters}))]))"
    )
    assert copy.answer(script) == before
    copy.edit(f"multipliers/{edited}", old, new)
    assert copy.answer(script) == after


def test_second_process_hits_the_cache(warm):
    before = warm.cache_state()
    assert {path.name.partition("-")[0] for path in before} == {"caller.total", "caller.shifted", "helper.offset"}
    assert warm.run()[0] == [ANSWER, 1, 0]
    assert warm.cache_state() == before


@pytest.mark.parametrize("name", ["multipliers/exact.py", "compilation.py"])
def test_edit_of_any_source_recompiles(warm, name):
    path = warm.kernels / name
    path.write_text(path.read_text() + "# a comment\n")
    assert warm.run()[0] == [ANSWER, 0, 1]


def test_new_source_recompiles(warm):
    (warm.kernels / "multipliers" / "new.py").touch()
    assert warm.run()[0] == [ANSWER, 0, 1]


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_truncated_machine_code_is_compiled_anew(warm, kept):
    for path in warm.cache("nbc"):
        path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert warm.run()[0] == [ANSWER, 0, 1]
    assert warm.run()[0] == [ANSWER, 1, 0]


def test_missing_machine_code_is_compiled_anew(warm):
    for path in warm.cache("nbc"):
        path.unlink()
    assert warm.run()[0] == [ANSWER, 0, 1]
    assert warm.run()[0] == [ANSWER, 1, 0]


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_truncated_index_is_written_anew(warm, kept):
    for path in warm.cache("nbi"):
        path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert warm.run()[0] == [ANSWER, 0, 1]
    assert warm.run()[0] == [ANSWER, 1, 0]


def test_full_disk_does_not_cost_the_result(copy):
    (answer, _, misses), errors = copy.run(FULL_DISK + RUN)
    assert (answer, misses) == (ANSWER, 1)
    assert "RuntimeWarning: compiled kernels are not cached: [Errno 28]" in errors
    assert copy.cache("nbc") == []
    assert copy.answer() == ANSWER


def test_save_that_stopped_half_way_leaves_no_old_code(warm):
    warm.edit("helper.py", "value + 1", "value + 7")
    assert warm.answer(FULL_DISK + RUN) == ANSWER_EDITED
    assert warm.answer() == ANSWER_EDITED


def test_processes_started_together_agree(copy):
    started = [copy.start(RUN) for _ in range(3)]
    results = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], results
    assert [json.loads(output)[0] for output, _ in results] == [ANSWER] * 3
    assert copy.run()[0] == [ANSWER, 1, 0]


def test_read_only_kernels_cache_in_the_users_directory(copy):
    copy.block_in_tree_cache()
    assert copy.run()[0] == [ANSWER, 0, 1]
    assert len(copy.cache("nbc", copy.folder / "home")) == len(copy.cache("nbc")) == 3
    assert copy.run()[0] == [ANSWER, 1, 0]
    copy.edit("helper.py", "value + 1", "value + 7")
    assert copy.answer() == ANSWER_EDITED


def test_no_directory_can_be_written(copy):
    """Uncached, and without a word: a read-only installation is no fault of its user."""
    copy.block_in_tree_cache()
    home = copy.folder / "no directory"
    home.write_text("in the way")
    result, errors = copy.run(HOME=home, XDG_CACHE_HOME=home / "cache")
    assert result[0] == ANSWER
    assert errors == ""
    assert copy.cache("nb?") == []


def test_cache_directory_of_the_environment(copy):
    elsewhere = copy.folder / "elsewhere"
    assert copy.run(NUMBA_CACHE_DIR=elsewhere)[0] == [ANSWER, 0, 1]
    assert copy.cache("nbc", elsewhere) == copy.cache("nbc") != []
    copy.edit("helper.py", "value + 1", "value + 7")
    assert copy.run(NUMBA_CACHE_DIR=elsewhere)[0] == [ANSWER_EDITED, 0, 1]


def test_numba_without_the_private_cache_class(copy):
    assert copy.answer(OTHER_NUMBA + RUN) == ANSWER
    assert copy.cache("nb?") == []
