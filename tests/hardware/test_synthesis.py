"""Synthesis: what is counted is a circuit that multiplies; cells, depth and frequency; missing tools."""

import numpy as np
import pytest

import axsim
from axsim.errors import HardwareError
from axsim.hardware.faces import design
from axsim.hardware.synthesis.comparison import Compared, exact_circuits
from axsim.hardware.synthesis.flow import in_registers, mapped
from axsim.hardware.synthesis.netlist import cell_counts, logic_depth, top_module
from axsim.hardware.synthesis.synthesis import Tools, synthesize_design
from axsim.hardware.synthesis.targets import TARGETS, target
from axsim.hardware.vectors import vectors
from axsim.multipliers.members import examples, families
from hardware.fpga import made_up, mapped_only, needs_nextpnr, needs_yosys, products

FIRST_EXAMPLES = list({name.partition(":")[0]: name for name in reversed(examples())}.values())


def netlist(**cells):
    """Module of cells given as (type, inputs, output)."""
    return {
        "cells": {
            name: {
                "type": kind,
                "port_directions": {**{f"I{n}": "input" for n in range(len(inputs))}, "O": "output"},
                "connections": {**{f"I{n}": [bit] for n, bit in enumerate(inputs)}, "O": [output]},
            }
            for name, (kind, inputs, output) in cells.items()
        }
    }


@pytest.mark.parametrize(
    ("cells", "depth"),
    [
        ({}, 0),
        ({"a": ("SB_LUT4", [2, "0"], 3)}, 1),
        ({"a": ("SB_LUT4", [2], 3), "b": ("SB_CARRY", [3, 2], 4), "c": ("SB_LUT4", [4, 3], 5)}, 3),
        ({"a": ("SB_LUT4", [2], 3), "ff": ("SB_DFF", [3], 4), "b": ("SB_LUT4", [4], 5)}, 1),  # a register between
        ({"a": ("SB_LUT4", [4], 3), "b": ("SB_LUT4", [3], 4), "c": ("SB_LUT4", [4], 5)}, 2),  # back to itself: cut
        ({"a": ("SB_LUT4", [2], 3), "b": ("SB_LUT4", [3], 4), "c": ("SB_LUT4", [3, 4], 5)}, 3),  # two ways
    ],
    ids=["none", "one", "chain", "register", "loop", "diamond"],
)
def test_logic_depth_is_the_longest_way_between_registers(cells, depth):
    assert logic_depth(netlist(**cells), target("ice40")) == depth


def test_cells_are_counted_by_type():
    module = netlist(a=("SB_LUT4", [2], 3), b=("SB_DFF", [3], 4), c=("SB_LUT4", [4], 5))
    assert cell_counts(module) == {"SB_DFF": 1, "SB_LUT4": 2}


def test_a_netlist_without_a_top_module_is_refused():
    with pytest.raises(HardwareError, match="one top module, got 0"):
        top_module({"modules": {"cell": {"attributes": {}}}})


def test_an_unknown_target_is_refused():
    with pytest.raises(HardwareError, match="target must be one of ice40, ecp5, xilinx, got 'asic'"):
        axsim.synthesize("exact", "asic")


@pytest.mark.parametrize("seeds", [(), (1, 1), (0,), (2**31,)])
def test_seeds_that_no_placer_takes_are_refused(seeds):
    with pytest.raises(HardwareError, match="seeds must be distinct whole numbers from 1"):
        Tools.find("ice40", seeds)


def test_a_missing_placer_is_said_before_any_work(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda command: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(HardwareError, match=r"needs nextpnr-ice40, .*pip install 'axsim\[rtl\]'"):
        Tools.find("ice40")


def test_ratios_are_to_the_smallest_and_to_the_fastest_exact_circuit():
    array, tree = made_up("exact array", 120, 60.0), made_up("exact w * x", 160, 110.0)
    found = Compared(made_up("small", 90, 88.0), (array, tree))
    assert (found.luts_of_exact, found.frequency_of_exact) == (90 / 120, 88 / 110)
    assert found.costs.frequency_mhz == 88.0
    unplaced = Compared(mapped_only(made_up("small", 90)), (mapped_only(array),))
    assert (unplaced.luts_of_exact, unplaced.frequency_of_exact) == (0.75, None)


@pytest.mark.parametrize("operands", [("u8", "u8"), ("s8", "s8"), ("s8", "u8"), ("u8", "s8")], ids=",".join)
def test_the_exact_circuits_have_the_operands_asked_for(operands):
    circuits = exact_circuits(design("drum:k=4", operands))
    assert [each.operands for each in circuits] == [operands, operands]
    assert [each.name for each in circuits] == ["exact array", "exact w * x"]


def assert_multiplies(circuit, name):
    """The netlist of iCE40 cells gives the software model's product for all operands."""
    module = top_module(mapped(circuit, target("ice40")))
    expected = vectors(name, circuit)
    mask = (1 << circuit.product_width) - 1
    found = products(module, expected.w & 255, expected.x & 255)
    np.testing.assert_array_equal(found & mask, expected.p & mask)


@needs_yosys
@pytest.mark.parametrize(
    ("name", "operands"),
    [("kulkarni", ("u8", "u8")), ("r4abm:encoder=2,p=6", ("s8", "s8")), ("drum:k=4", ("s8", "u8"))],
)
def test_the_netlist_that_is_counted_multiplies(name, operands):
    assert_multiplies(design(name, operands), name)


@needs_yosys
@pytest.mark.parametrize("operands", [("u8", "u8"), ("s8", "s8"), ("s8", "u8")], ids=",".join)
def test_both_exact_circuits_multiply(operands):
    for circuit in exact_circuits(design("exact", operands)):
        assert_multiplies(circuit, "exact")


@needs_nextpnr
def test_a_placed_multiplier_has_all_figures():
    found = axsim.synthesize("drum:k=3", "ice40", seeds=(1, 2))
    own = found.synthesis
    assert own.cells["SB_LUT4"] == own.luts > 0
    assert own.flip_flops == sum(count for kind, count in own.cells.items() if kind.startswith("SB_DFF")) <= 32
    assert own.depth > 1
    assert own.logic_cells >= own.luts
    assert own.placement is not None and len(own.placement.frequencies_mhz) == 2
    assert min(own.placement.frequencies_mhz) <= own.frequency_mhz <= max(own.placement.frequencies_mhz)
    assert 20 < own.frequency_mhz < 500
    assert own.flow.yosys.startswith("Yosys ") and "nextpnr" in own.flow.placer
    assert own.table_sha256 == axsim.multiplier("drum:k=3").digest
    assert found.luts_of_exact == own.luts / min(each.luts for each in found.exact)
    assert {each.flow for each in found.exact} == {own.flow}


@needs_nextpnr
def test_the_same_seed_gives_the_same_figures():
    tools = Tools.find("ice40", (3,))
    first, second = (synthesize_design(design("truncated:t=5"), tools) for _ in range(2))
    assert first == second


@needs_nextpnr
def test_a_product_that_is_always_0_has_no_frequency():
    found = synthesize_design(design("perforation:j=0,k=8"), Tools.find("ice40", (1,)))
    assert (found.luts, found.flip_flops, found.frequency_mhz) == (0, 0, None)


@needs_yosys
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_target_maps_without_dsp_blocks(name):
    found = synthesize_design(exact_circuits(design("exact"))[1], Tools.find(name, place=False))
    assert found.placement is None
    assert found.luts > 60
    assert not [kind for kind in found.cells if "DSP" in kind or "MAC" in kind or "MULT" in kind]
    known = {*TARGETS[name].luts, *TARGETS[name].carry_cells, "PFUMX", "L6MUX21", "MUXF7", "MUXF8"}
    assert [kind for kind in found.cells if kind not in known and not TARGETS[name].is_flip_flop(kind)] == []


@needs_yosys
def test_operands_and_product_are_in_registers():
    assert in_registers(design("drum:k=4", ("s8", "s8")))[1] == "drum_8_k4_ss_in_registers"
    found = synthesize_design(design("exact"), Tools.find("ice40", place=False))
    assert found.flip_flops == 32


@pytest.mark.slow
@needs_nextpnr
@pytest.mark.parametrize("name", FIRST_EXAMPLES)
def test_every_family_on_two_targets(name):
    """Mapped and placed for iCE40, where its netlist multiplies, and mapped for ECP5."""
    circuit = design(name)
    found = synthesize_design(circuit, Tools.find("ice40", (1,)))
    assert found.frequency_mhz is not None and found.logic_cells >= found.luts > 0
    assert_multiplies(circuit, name)
    assert synthesize_design(circuit, Tools.find("ecp5", place=False)).luts > 0


def test_every_family_has_a_first_example():
    assert {name.partition(":")[0] for name in FIRST_EXAMPLES} == set(families())
