"""Code of the user's own: families of a folder that AXSIM_FAMILIES names, and entry points of installed packages."""

import os
import subprocess
import sys
import types

import pytest

from axsim import AxsimError, multiplier
from axsim.cli import main
from axsim.errors import AxsimWarning
from axsim.multipliers import catalog, extensions
from axsim.multipliers.members import families

FAMILY = '''"""Every product one too small."""
from axsim.kernels.multipliers.family import Family, Parameter


def one_less(w, x, n):
    return w * x - n


FAMILY = Family(
    product=one_less,
    parameters=(Parameter("n", "subtracted", 0, lambda width: 9),),
    signed=False,
    citation="an example",
    summary="an example",
    examples=({"n": 1},),
)
'''


def test_a_family_of_a_named_folder(tmp_path, monkeypatch):
    (tmp_path / "one_less.py").write_text(FAMILY)
    assert "one_less" not in families()
    monkeypatch.setenv("AXSIM_FAMILIES", str(tmp_path))
    found = multiplier("one_less:n=2")
    assert found.table[200, 100] == 19_998
    with pytest.raises(AxsimError, match=r"n must be 0\.\.9"):
        multiplier("one_less:n=10")


def test_a_family_that_is_edited_is_run_anew(tmp_path, monkeypatch):
    path = tmp_path / "one_less.py"
    path.write_text(FAMILY)
    monkeypatch.setenv("AXSIM_FAMILIES", str(tmp_path))
    assert multiplier("one_less:n=2").table[200, 100] == 19_998
    path.write_text(FAMILY.replace("w * x - n", "w * x + n"))
    os.utime(path, ns=(0, 0))
    assert multiplier("one_less:n=2").table[200, 100] == 20_002


@pytest.mark.parametrize(
    ("text", "said"),
    [("x = 1", "FAMILY must be a Family"), ("1 / 0", "ZeroDivisionError"), ("def", "SyntaxError")],
)
def test_a_family_file_that_is_none(tmp_path, monkeypatch, text, said):
    (tmp_path / "broken.py").write_text(text)
    monkeypatch.setenv("AXSIM_FAMILIES", str(tmp_path))
    with pytest.raises(AxsimError, match=rf"broken\.py.*{said}"):
        families()


def test_a_folder_of_families_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("AXSIM_FAMILIES", str(tmp_path / "none"))
    with pytest.raises(AxsimError, match="AXSIM_FAMILIES: cannot read"):
        families()


def entry_product(w, x):
    return w * x + 1


OBJECTS = {"entry_product": entry_product, "DRUM": families()["drum"]}


@pytest.fixture
def installed(monkeypatch):
    """Make entry points of packages, each (package, name, object) of OBJECTS, as if they were installed."""

    class Point:
        def __init__(self, package, name, value):
            self.name, self.value = name, f"{package}.module:{value}"
            self.dist = types.SimpleNamespace(name=package)

        def load(self):
            return OBJECTS[self.value.partition(":")[2]]

    def install(*points):
        found = [Point(*point) for point in points]
        monkeypatch.setattr(extensions.importlib.metadata, "entry_points", lambda group: found)

    with_cache = [extensions._installed, catalog._multiplier]
    for function in with_cache:
        function.cache_clear()
    yield install
    for function in with_cache:
        function.cache_clear()


def test_entry_points(installed):
    """A function is found by its entry point's name; one that cannot be loaded is left out with a warning."""
    installed(("one", "entry_product", "entry_product"), ("two", "entry_broken", "missing"))
    with pytest.warns(
        AxsimWarning, match=r"package two \(entry point entry_broken = two\.module:missing\) is left out"
    ):
        assert multiplier("entry_product").table[3, 4] == 13


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (
            [("one", "mine", "DRUM")],
            "family drum of package one (entry point mine = one.module:DRUM) has the name of one of axsim's own",
        ),
        (
            [("one", "mul8u_FTA", "entry_product")],
            "multiplier mul8u_FTA of package one (entry point mul8u_FTA = one.module:entry_product) has the name of",
        ),
        (
            [("one", "mine", "entry_product"), ("two", "mine", "entry_product")],
            "package one (entry point mine = one.module:entry_product) and package two (entry point mine = ",
        ),
    ],
    ids=["family", "circuit", "two packages"],
)
def test_an_extension_whose_name_is_taken_stops_what_needs_multipliers_alone(installed, points, said, capsys):
    """Neither of two with one name is taken silently, and whatever needs no multiplier goes on."""
    installed(*points)
    for command in (["moments", "mul8u_FTA"], ["multipliers"]):
        assert main(command) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert said in lines[0]
    for command in (["networks"], ["inspect", "resnet20-cifar10"]):
        assert main(command) == 0
        assert not capsys.readouterr().err


def test_a_file_whose_family_is_one_of_axsim_is_named(tmp_path):
    """In a process of its own: --help, networks and inspect work, and what needs multipliers names the file."""
    (tmp_path / "mine.py").write_text(FAMILY.replace("one_less", "drum"))

    def axsim(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "axsim", *arguments],
            env={**os.environ, "AXSIM_FAMILIES": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    for command in (["--help"], ["run", "--help"], ["networks"]):
        done = axsim(*command)
        assert (done.returncode, done.stderr) == (0, "")
    done = axsim("moments", "mul8u_FTA")
    assert done.returncode == 2
    assert done.stderr == (
        f"axsim: error: family drum of {tmp_path / 'mine.py'} (in a folder of AXSIM_FAMILIES) has the name of one of "
        "axsim's own; rename it there, or leave it out\n"
    )


def test_a_family_defined_twice(tmp_path, monkeypatch):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        (folder / "mine.py").write_text(FAMILY)
    monkeypatch.setenv("AXSIM_FAMILIES", os.pathsep.join(map(str, folders)))
    with pytest.raises(
        AxsimError, match=r"family one_less is defined twice: by .*one.mine\.py .* and by .*two.mine\.py"
    ):
        multiplier("mul8u_FTA")
