"""`axsim import`, and code of the user's own: families of a folder, entry points. Nothing runs that was only read."""

import importlib.metadata
import json
import os

import numpy as np
import pytest
from circuits import ARRAYS

from axsim import AxsimError, multiplier
from axsim.cli import main
from axsim.errors import AxsimWarning
from axsim.multipliers import extensions
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


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "good.c").write_text(ARRAYS["cut rows"].c())
    np.save(folder / "table.npy", ARRAYS["signed cut"].table())
    (folder / "bad.c").write_text("int f(int a, int b) { for (;;) a = b; }")
    (folder / "code.py").write_text("open('CANARY', 'w')")
    return folder


def test_one_file(tmp_path, sources, capsys):
    output = tmp_path / "mine.h5"
    assert main(["import", str(sources / "good.c"), "-o", str(output)]) == 0
    printed = capsys.readouterr().out
    for said in ("mine: C, u8 x u8", "A is the weight", "commutes", "no, ", "0 * x is 0", str(output)):
        assert said in printed
    assert np.array_equal(multiplier(str(output)).table, ARRAYS["cut rows"].table())
    assert main(["import", str(sources / "good.c"), "-o", str(output)]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["import", str(sources / "good.c"), "-o", str(output), "--overwrite", "--order", "x,w", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["operands"] == ["u8", "u8"]
    assert np.array_equal(multiplier(str(output)).table, ARRAYS["cut rows"].table().T)


def test_a_folder_is_imported_whole_and_failures_are_listed(tmp_path, sources, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    assert main(["import", str(sources), "-o", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr()
    assert "Not imported:\nbad.c" in shown.out
    assert "a loop" in shown.out
    assert "1 of 3 files could not be imported" in shown.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.c.h5", "table.npy.h5"]
    assert not (tmp_path / "CANARY").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.c"], "no such file"),
        (["bad.c"], "a loop (for) is not evaluated"),
        (["code.py"], "never runs"),
        (["good.c", "-o", "missing/m.h5"], "does not exist"),
        (["good.c", "--top", "other"], "has no function 'other'"),
        (["good.c", "--operands", "s8"], "must be two of u8 and s8"),
    ],
)
def test_one_line_of_error(sources, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(sources)
    try:
        code = main(["import", *arguments])
    except SystemExit as stopped:
        code = stopped.code
    shown = capsys.readouterr()
    assert code == 2
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert not (sources / "CANARY").exists()


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


def test_a_family_named_as_one_of_axsim_is_refused(tmp_path, monkeypatch):
    """Neither of the two is taken silently."""
    (tmp_path / "drum.py").write_text(FAMILY.replace("one_less", "drum"))
    monkeypatch.setenv("AXSIM_FAMILIES", str(tmp_path))
    with pytest.raises(AxsimError, match="family drum of AXSIM_FAMILIES"):
        multiplier("drum:k=4")


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


def test_entry_points(monkeypatch):
    """A function is found by its entry point's name; one that cannot be loaded is left out with a warning."""
    points = [
        importlib.metadata.EntryPoint("entry_product", f"{__name__}:entry_product", extensions.GROUP),
        importlib.metadata.EntryPoint("entry_broken", "no_such_module:f", extensions.GROUP),
    ]
    monkeypatch.setattr(points[0].__class__, "load", lambda self: {"entry_product": entry_product}[self.name])
    monkeypatch.setattr(extensions.importlib.metadata, "entry_points", lambda group: points)
    extensions._installed.cache_clear()
    try:
        with pytest.warns(AxsimWarning, match="entry_broken"):
            assert multiplier("entry_product").table[3, 4] == 13
    finally:
        extensions._installed.cache_clear()
