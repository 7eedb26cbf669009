"""`axsim import`: one file, a folder, wrong input. Nothing runs that was only read."""

import json

import numpy as np
import pytest
from circuits import ARRAYS
from command_line import fails

from axsim import multiplier
from axsim.cli import main


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
    assert said in fails(capsys, "import", *arguments)
    assert not (sources / "CANARY").exists()
