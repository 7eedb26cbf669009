"""The Verilog itself: modules, lint, the test bench as a user runs it, and the decision diagrams."""

import shutil
import subprocess

import numpy as np
import pytest
from command_line import call, fails

from axsim.errors import HardwareError
from axsim.hardware.design import Design, Module, inputs, outputs, product_ports
from axsim.hardware.faces import design
from axsim.hardware.verilog.decision_diagram import ORDERS, diagram
from axsim.multipliers.members import families
from hardware.chosen_members import all_members, needs_icarus, needs_verilator


def _chunks(names, size):
    return [names[start : start + size] for start in range(0, len(names), size)]


LINTED = [*all_members(8)[::3], *all_members(4)[::5], *all_members(16)[::5], "mul8u_FTA", "narrow(mitchell; 4; 8)"]


def _lint(command, names, folder):
    """What a lint program says of each circuit, by name; nothing where all is well."""
    said = {}
    for name in names:
        circuit = design(name)
        (folder / f"{circuit.top}.v").write_text(circuit.text)
        result = subprocess.run([*command, f"{circuit.top}.v"], cwd=folder, capture_output=True, text=True, check=False)
        said |= {name: result.stdout + result.stderr} if result.returncode or result.stderr.strip() else {}
    return said


@needs_icarus
@pytest.mark.parametrize("names", _chunks(LINTED, 10), ids=lambda names: names[0])
def test_icarus_has_nothing_to_say(tmp_path, names):
    assert _lint(["iverilog", "-g2001", "-Wall", "-o", "compiled"], names, tmp_path) == {}


@needs_verilator
@pytest.mark.parametrize("names", _chunks(LINTED, 10), ids=lambda names: names[0])
def test_verilator_has_nothing_to_say(tmp_path, names):
    # DECLFILENAME: a design is one file of several modules.
    command = ["verilator", "--lint-only", "-Wall", "-Wno-DECLFILENAME", "--language", "1364-2001"]
    assert _lint(command, names, tmp_path) == {}


@pytest.mark.parametrize("name", families())
def test_a_file_says_what_it_is(name):
    family = families()[name]
    signed = ",signed=1" if not family.unsigned else ""
    full = name + (":" + ",".join(f"{key}={value}" for key, value in family.examples[0].items()) + signed)
    circuit = design(full.rstrip(":"))
    head = circuit.text.partition("module ")[0]
    assert circuit.name in head
    assert family.citation in head
    assert circuit.text.count("\nendmodule\n") == len(circuit.module.all_modules())
    for module in circuit.module.all_modules():
        assert circuit.text.count(f"module {module.name} (") == 1


def _files(folder):
    return sorted(path.name for path in folder.iterdir())


@needs_icarus
def test_the_test_bench_needs_no_axsim(tmp_path, capsys):
    code, out, _ = call(capsys, "rtl", "mbm:c=5", "--operands", "s8,s8", "-o", tmp_path / "out")
    assert code == 0
    top = "mbm_8_t0_c5_q7_ss"
    assert _files(tmp_path / "out") == [f"{top}.v", f"{top}_test_bench.v", f"{top}_vectors.hex"]
    command = next(line.strip() for line in out.splitlines() if line.strip().startswith("iverilog"))

    def run():
        return subprocess.run(command, shell=True, cwd=tmp_path / "out", capture_output=True, text=True, check=False)

    passed = run()
    assert (passed.returncode, passed.stdout.strip()) == (0, "PASS: 65536 pairs equal")
    assert passed.stderr == ""
    path = tmp_path / "out" / f"{top}.v"
    path.write_text(path.read_text().replace("w[7] ^ x[7]", "w[7] | x[7]"))
    failed = run()
    assert failed.returncode != 0
    assert "DIFFERS w=-128 x=-128 p=-17024 expected=17024" in failed.stdout
    (tmp_path / "out" / f"{top}_vectors.hex").unlink()
    missing = run()
    assert missing.returncode != 0
    assert "PASS" not in missing.stdout


def test_nothing_is_overwritten_unasked(tmp_path, capsys):
    (tmp_path / "drum_8_k4_vectors.hex").write_text("mine")
    said = fails(capsys, "rtl", "drum:k=4", "-o", tmp_path)
    assert "it exists; choose another name, or pass --overwrite" in said
    assert _files(tmp_path) == ["drum_8_k4_vectors.hex"]
    assert call(capsys, "rtl", "drum:k=4", "-o", tmp_path, "--overwrite")[0] == 0
    assert len(_files(tmp_path)) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rtl", "drum:k=4", "-o", "{tmp}/a/b"], "cannot make the folder"),
        (["rtl", "drum:k=4", "-o", "{tmp}/file"], "output must be a folder"),
        (["rtl", "drum", "-o", "{tmp}/out"], "drum needs k="),
        (["rtl", "drum:k=4", "--operands", "s8", "-o", "{tmp}/out"], "must be two formats such as s8,s8"),
        (["cosim", "mul8u_FTA", "--width", "12"], "leave out the width"),
        (["cosim", "drum:k=4", "--simulator", "modelsim"], "invalid choice"),
    ],
)
def test_wrong_arguments(tmp_path, capsys, arguments, said):
    (tmp_path / "file").write_text("")
    assert said in fails(capsys, *(argument.format(tmp=tmp_path) for argument in arguments))
    assert _files(tmp_path) == ["file"]


@needs_icarus
def test_cosim_prints_its_verdict(capsys):
    code, out, err = call(capsys, "cosim", "mitchell", "--width", "12", "--sample", "500")
    assert (code, err) == (0, "")
    assert "mitchell:width=12, u12 by u12, module mitchell_12, 500 pairs (seed 0): equal" in out


@needs_icarus
def test_cosim_fails_where_products_differ(capsys, monkeypatch):
    from axsim.hardware import cosimulation

    real = cosimulation.make_design
    monkeypatch.setattr(cosimulation, "make_design", lambda name, *given: real("drum:k=3", *given))
    code, out, err = call(capsys, "cosim", "drum:k=4")
    assert code == 2
    assert " differ" in out
    assert "  circuit  software" in out
    assert "the circuit differs from the software model" in err


def test_names_of_modules_and_ports_are_checked():
    with pytest.raises(HardwareError, match="must be a Verilog identifier, got '8bit'"):
        Module("8bit", "", {}, "")
    with pytest.raises(HardwareError, match="must have the ports w and x of 8 bits, and p"):
        Design(Module("short", "", product_ports(4, 8), "assign p = w * x;"), 8)


def test_two_modules_of_one_name_must_be_one():
    ports = inputs(a=2) | outputs(y=2)
    one, other = Module("same", "", ports, "assign y = a;"), Module("same", "", ports, "assign y = ~a;")
    with pytest.raises(HardwareError, match="two different modules are called same"):
        Module("top", "", ports, "", (one, other)).all_modules()
    again = Module("same", "", ports, "assign y = a;")
    assert len(Module("top", "", ports, "", (one, again)).all_modules()) == 2


@pytest.mark.parametrize("order", ORDERS)
def test_a_decision_diagram_gives_its_functions_back(order):
    generator = np.random.default_rng(1)
    few = np.repeat(generator.integers(0, 2, (2, 1024)), 64, axis=1)
    functions = np.concatenate(
        [
            few,
            np.zeros((1, 65536)),
            np.ones((1, 65536)),
            np.arange(65536)[None] >> 9 & 1,
        ]
    ).astype(np.uint8)
    found = diagram(functions, order)
    values = np.zeros((found.bits.size + 2, 65536), np.uint8)
    values[1] = 1
    for number, (bit, low, high) in enumerate(zip(found.bits, found.low, found.high, strict=True), start=2):
        values[number] = np.where(np.arange(65536) >> bit & 1, values[high], values[low])
    assert np.array_equal(values[found.roots], functions)
    assert (found.low != found.high).all()
    assert found.roots[2:4].tolist() == [0, 1]


def test_yosys_reads_what_is_written(tmp_path):
    if not shutil.which("yosys"):
        pytest.skip("needs yosys on PATH")
    from axsim.importers.multipliers.read import import_multiplier
    from axsim.multipliers.catalog import multiplier

    (tmp_path / "mbm.v").write_text(design("mbm").text)
    assert np.array_equal(import_multiplier(tmp_path / "mbm.v").multiplier.table, multiplier("mbm").table)
