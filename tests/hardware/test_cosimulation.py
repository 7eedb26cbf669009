"""Every family's circuit against its software face, through Icarus Verilog; that a wrong gate is noticed."""

import dataclasses
import functools

import numpy as np
import pytest

from axsim.errors import AxsimError, HardwareError, MultiplierError
from axsim.hardware.cosimulation import compare, cosimulate
from axsim.hardware.faces import design
from axsim.hardware.tools import YOSYS
from axsim.hardware.vectors import vectors
from axsim.multipliers.catalog import multiplier
from axsim.multipliers.members import families, member
from axsim.multipliers.multiplier_file import save
from axsim.multipliers.product_table import Multiplier
from hardware.chosen_members import all_members, members, needs_icarus, needs_verilator
from hardware.mutations import mutants

UNSIGNED = [name for name, family in families().items() if family.unsigned]


@pytest.mark.parametrize("name", families())
def test_every_family_has_a_circuit(name):
    assert design(members(families()[name])[0]).name


@needs_icarus
@pytest.mark.parametrize("name", all_members())
def test_all_products_of_8_bits(name):
    found = cosimulate(name)
    assert (found.pairs, found.seed, found.differing, found.first) == (65536, None, 0, ())


@needs_icarus
@pytest.mark.parametrize("name", [*all_members(4), *all_members(5)])
def test_all_products_of_narrow_operands(name):
    found = cosimulate(name)
    assert (found.pairs, found.seed, found.differing) == (1 << (2 * found.design.width), None, 0)


@needs_icarus
@pytest.mark.parametrize(
    ("family", "operands"),
    [
        *((family, ("s8", "s8")) for family in UNSIGNED),
        *((family, operands) for family in ("drum", "momeni") for operands in (("s8", "u8"), ("u8", "s8"))),
    ],
    ids=str,
)
def test_unsigned_cores_serve_signed_operands(family, operands):
    assert cosimulate(members(families()[family])[0], operands).differing == 0


@needs_icarus
@pytest.mark.parametrize("name", [found[0] for family in families().values() if (found := members(family, 16))])
def test_a_sample_at_16_bits(name):
    found = cosimulate(name, sample=3000, seed=5)
    assert (found.pairs, found.seed, found.differing) == (3000, 5, 0)


@needs_icarus
@pytest.mark.slow
@pytest.mark.parametrize("name", all_members(16) + all_members(12))
def test_large_samples_of_wide_operands(name):
    assert cosimulate(name, sample=10_000).differing == 0


@needs_icarus
@pytest.mark.parametrize("name", ["drum:k=6,width=16", "mbm:t=8,width=16", "kulkarni:width=12"])
def test_wide_cores_by_sign_magnitude(name):
    width = member(name).width
    assert cosimulate(name, (f"s{width}",) * 2, sample=3000).differing == 0


@functools.cache
def _mutants(family):
    """Two mutants of a family's first example, from a third and two thirds through its Verilog, and its vectors."""
    name = members(families()[family])[0]
    circuit = design(name)
    found = list(mutants(circuit))
    return [found[len(found) // 3], found[2 * len(found) // 3]], vectors(name, circuit)


@needs_icarus
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("family", families())
def test_one_changed_gate_is_noticed(family, which):
    found, expected = _mutants(family)
    mutant, what = found[which]
    result = compare(mutant, expected)
    assert result.differing > 0, what
    w, x, circuit, software = result.first[0]
    assert circuit != str(software) == str(multiplier(result.design.name).table[w & 255, x & 255])


DERIVED = [
    "swap(perforation:j=0,k=2)",
    "sign_magnitude(drum:k=4)",
    "ones_complement(drum:k=4)",
    "narrow(mitchell; 4; 8)",
    "narrow(exact:signed=1; 5; 1)",
    "add_constant(truncated:v=6; 80)",
    "add_constant(exact; -80)",
    "add_constant(exact:signed=1; 99999)",
    "compose(exact; realm:m=1; drum:k=3; truncated:v=3)",
    "compose(add_constant(exact; -9); exact; exact; add_constant(exact; -300))",
    "ones_complement(add_constant(exact; -9))",
    "swap(add_constant(swap(perforation:j=1,k=3); 3))",
]


@needs_icarus
@pytest.mark.parametrize("name", DERIVED)
def test_derivations_wrap_the_circuits_of_their_parts(name):
    found = cosimulate(name)
    assert found.differing == 0
    assert "decision diagram" not in found.design.text


@needs_icarus
@pytest.mark.parametrize("from_table", [False, True])
@pytest.mark.parametrize("operands", [("s8", "s8"), ("u8", "s8")], ids=",".join)
def test_negative_products_of_an_unsigned_core_keep_their_sign(operands, from_table):
    assert cosimulate("add_constant(exact; -80)", operands, from_table=from_table).differing == 0


@needs_icarus
@pytest.mark.parametrize("name", ["mul8s_1KR3", "mul8s_1L2H", "mul8u_E9R"])
def test_circuits_of_a_closed_form_are_that_family(name):
    found = cosimulate(name)
    assert (found.differing, found.design.name) == (0, name)
    assert "decision diagram" not in found.design.text


@needs_icarus
@pytest.mark.parametrize(
    ("name", "operands"),
    [("mul8u_FTA", None), ("mul8u_FTA", ("s8", "s8")), ("mul8u_YX7", None), ("add_constant(mul8u_ZFB; -7)", None)],
)
def test_tables_become_logic(name, operands):
    found = cosimulate(name, operands)
    assert found.differing == 0
    assert "decision diagram" in found.design.text


@needs_icarus
@pytest.mark.parametrize("name", ["drum:k=3", "r4abm:encoder=2,p=8,signed=1", "broken_array:h=8"])
def test_any_multiplier_as_its_table(name):
    found = cosimulate(name, from_table=True)
    assert found.differing == 0
    assert "decision diagram" in found.design.text


@needs_icarus
def test_a_table_of_any_products(tmp_path):
    """Random products, beyond 16 bits, of mixed formats; the name of a file's multiplier may hold anything."""
    table = np.random.default_rng(2).integers(-(2**17), 2**17, (8, 8)).repeat(32, 0).repeat(32, 1)
    path = str(tmp_path / "random.h5")
    save(Multiplier('a\n$finish; `include "b"', table, ("u8", "s8"), source="c\r\nmodule d;"), path)
    found = cosimulate(path)
    assert (found.differing, found.design.product_width, found.design.signed) == (0, 18, True)
    assert all(line.startswith("//") for line in found.design.text.splitlines() if "$" in line or " d;" in line)


def test_a_table_near_an_exact_product_is_that_and_little_more():
    text = design("mul8u_125K").text
    assert "the exact product of the operands, plus a binary decision diagram of 21 nodes" in text
    assert "operands without their 4 low bits, plus" in design("mul8u_17KS").text


@needs_verilator
def test_verilator_agrees():
    found = cosimulate("broken_array:h=2,v=5,signed=1", simulator="verilator")
    assert (found.differing, found.pairs) == (0, 65536)
    assert found.simulator.startswith("Verilator")


@needs_verilator
@pytest.mark.slow
def test_verilator_notices_a_changed_gate():
    (mutant, _), *_ = _mutants("mbm")[0]
    assert compare(mutant, _mutants("mbm")[1], "verilator").differing > 0


VERILOG = """
// A circuit of somebody's.
module mine(input {kind} [7:0] {first}, input {kind} [7:0] {second}, output {kind} [15:0] O);
    assign O = {factor} * B;
endmodule
"""


@needs_icarus
@pytest.mark.skipif(not YOSYS.is_installed(), reason="needs Yosys")
@pytest.mark.parametrize(("first", "second"), ["AB", "BA"])
@pytest.mark.parametrize(
    ("kind", "factor", "fmt"),
    [("", "{A[7:2], 2'b00}", "u8"), ("signed", "$signed({A[7:2], 2'b00})", "s8")],
    ids=["u8", "s8"],
)
def test_a_verilog_file_is_written_out_again_gate_by_gate(tmp_path, first, second, kind, factor, fmt):
    path = tmp_path / "mine.v"
    path.write_text(VERILOG.format(first=first, second=second, kind=kind, factor=factor))
    found = cosimulate(str(path))
    assert (found.differing, found.design.operands) == (0, (fmt, fmt))
    assert "$" not in found.design.text
    assert "gates" in found.design.text


def test_an_extension_without_a_circuit_says_so_and_offers_its_table(tmp_path, monkeypatch):
    _extension(tmp_path, monkeypatch, "")
    with pytest.raises(HardwareError, match=r"family halved has no hardware face: give its Family .* --from-table"):
        design("halved")
    assert "decision diagram" in design("halved", from_table=True).text


@needs_icarus
def test_an_extension_brings_its_circuit(tmp_path, monkeypatch):
    _extension(tmp_path, monkeypatch, "hardware=circuit,")
    found = cosimulate("halved")
    assert (found.design.top, found.differing) == ("halved_8", 0)
    assert cosimulate("halved", ("s8", "s8")).differing == 0


def _extension(folder, monkeypatch, argument):
    (folder / "halved.py").write_text(
        f"""
from axsim.hardware.design import Design, Module, product_ports
from axsim.kernels.compilation import elementwise
from axsim.kernels.multipliers.family import Family

@elementwise
def halved(w, x):
    return (w >> 1) * x

def circuit(width):
    ports = product_ports(width, 2 * width)
    body = f"assign p = {{{{1'b0, w[{{width - 1}}:1]}}}} * x;"
    return Design(Module(f"halved_{{width}}", "Half of w times x.", ports, body), width)

FAMILY = Family(product=halved, parameters=(), signed=False, citation="", summary="", examples=({{}},),
                commutes=False, {argument})
"""
    )
    monkeypatch.setenv("AXSIM_FAMILIES", str(folder))


@needs_icarus
def test_unknown_bits_are_a_difference():
    circuit = design("exact")
    undriven = dataclasses.replace(circuit.module, body="wire nothing;\nassign p = {15'd0, nothing};")
    found = compare(dataclasses.replace(circuit, module=undriven), vectors("exact", circuit))
    assert found.differing == 65536
    assert found.first[0][2].lower() in ("x", "z")


@needs_icarus
def test_what_the_simulator_refuses_is_told():
    circuit = design("exact")
    broken = dataclasses.replace(circuit, module=dataclasses.replace(circuit.module, body="assign p = ;"))
    with pytest.raises(HardwareError, match=r"iverilog failed: exact_8\.v:\d+: .*error"):
        compare(broken, vectors("exact", circuit))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: design("drum:k=4", ("s12", "s12")), MultiplierError, "operands must be two of u8 and s8 at width 8"),
        (lambda: design("mul8u_FTA", width=12), HardwareError, "known by its table of 8-bit operands only"),
        (lambda: design("mul8s_1KR3", ("u8", "u8")), MultiplierError, "multiplies s8 by s8 and cannot serve"),
        (lambda: design("durm:k=4"), MultiplierError, "the closest are"),
        (lambda: design("drum:k=4", from_table=True, width=16), HardwareError, "leave out the width, got 16"),
        (lambda: vectors("exact", design("exact"), sample=0), AxsimError, r"sample must be 1 to 2\^24 pairs, got 0"),
        (lambda: vectors("exact", design("exact"), sample=1, seed=-1), AxsimError, "seed must be 0 or more, got -1"),
    ],
)
def test_wrong_input(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_without_a_simulator(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda command: None)
    with pytest.raises(HardwareError, match=r"needs iverilog.*apt-get install iverilog"):
        cosimulate("exact")


def test_a_sample_begins_with_the_extremes_and_repeats_with_its_seed():
    circuit = design("exact:signed=1,width=16")
    found, again, other = (vectors("exact:signed=1,width=16", circuit, 5000, seed) for seed in (3, 3, 4))
    pairs = set(zip(found.w.tolist(), found.x.tolist(), strict=True))
    assert {(-32768, -32768), (-32768, 32767), (0, -32768), (1, 1), (16384, 16383)} <= pairs
    assert np.array_equal(found.w, again.w) and np.array_equal(found.x, again.x)
    assert not np.array_equal(found.w, other.w)
    assert np.array_equal(found.p, found.w * found.x)
    assert found.w.size == 5000
