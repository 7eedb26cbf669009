"""EvoApproxLib: every published metric recomputed to its printed digits; closed forms of the signed circuits."""

import decimal

import h5py
import numpy as np
import pytest
from shared_data import shared_data

import axsim
from axsim.multipliers.catalog import circuits
from axsim.multipliers.libraries import evoapproxlib

CIRCUITS = circuits()

# Printed, and not what the table gives: the library rounded the mean of 1.25 and of 4.25 LSB half
# to even before it divided by 2^16.
DEVIATIONS = {("mul8s_1KVA", "mae"): 1.2 / 2**16, ("mul8s_1KVB", "mae"): 4.2 / 2**16}

# Printed with more digits in the library's table of the same circuits (figures over the products, not fractions).
SIGNED = {  # MAE, WCE in LSB, EP and MRE in percent, MSE; the closed form
    "mul8s_1KV8": ("0", 0, "0", "0", "0", "exact:signed=1"),
    "mul8s_1KVA": ("1.25", 5, "50.0", "0.2751742102", "3.75", "broken_array:h=0,v=2,signed=1"),
    "mul8s_1KVB": ("4.25", 17, "68.75", "0.9023975799", "34.25", "broken_array:h=0,v=3,signed=1"),
    "mul8s_1KX2": ("12.25", 49, "81.25", "2.5296091936", "248.25", "broken_array:h=0,v=4,signed=1"),
    "mul8s_1KR8": ("32", 128, "49.8046875", "2.4009424633", "2730.75", "broken_array:h=1,v=0,signed=1"),
    "mul8s_1KR6": ("33.28", 137, "74.8046875", "2.7338766725", "2746.25", "broken_array:h=1,v=3,signed=1"),
    "mul8s_1KRC": ("36.54", 161, "84.1796875", "3.6431448323", "2872.25", "broken_array:h=1,v=4,signed=1"),
    "mul8s_1L2H": ("53.33398", 255, "74.609375", "4.4119727217", "5461.75", None),
    "mul8s_1KVL": ("101.28", 449, "91.89453125", "8.9304206615", "19690.25", "broken_array:h=2,v=5,signed=1"),
    "mul8s_1L2D": ("149.7843", 759, "93.1640625", "12.2637692389", "38236.25", None),
    "mul8s_1KTY": ("224", 896, "87.158203125", "15.7193912735", "95576.25", "broken_array:h=3,v=0,signed=1"),
    "mul8s_1L1G": ("339.94366", 1743, "97.75390625", "27.4449954193", "191238.25", None),
    "mul8s_1KR3": ("2016", 8064, "98.0529785156", "135.7731035", "7282910.25", "broken_array:h=6,v=0,signed=1"),
}
CLEARED_BITS = {"mul8s_1L2H": 1, "mul8s_1L2D": 2, "mul8s_1L1G": 3}


def rounds_to(value, printed):
    """Whether `value` gives the printed digits, either way at a tie."""
    step = decimal.Decimal(10) ** decimal.Decimal(printed).as_tuple().exponent
    return abs(decimal.Decimal(value) - decimal.Decimal(printed)) <= step * decimal.Decimal("0.5000001")


def test_the_library_has_36_unsigned_and_13_signed_circuits():
    formats = [circuit.operands for circuit in CIRCUITS.values()]
    assert formats.count(("u8", "u8")) == 36
    assert formats.count(("s8", "s8")) == 13
    assert len(formats) == 49


@pytest.mark.parametrize("metric", ["mae", "wce", "ep", "mre", "wcre"])
@pytest.mark.parametrize("name", CIRCUITS)
def test_published_metrics(name, metric):
    moments = axsim.multiplier(name).moments()
    percent = {
        "mae": 100 * DEVIATIONS.get((name, metric), moments.mae_fraction),
        "wce": 100 * moments.wce / 2**16,
        "ep": 100 * moments.error_rate,
        "mre": 100 * moments.mred,
        "wcre": 100 * max(-moments.relative_min, moments.relative_max),
    }[metric]
    assert rounds_to(percent, repr(getattr(CIRCUITS[name], metric)))


@pytest.mark.parametrize("name", SIGNED)
def test_published_figures_of_the_signed_circuits(name):
    mae, wce, ep, mre, mse, _ = SIGNED[name]
    moments = axsim.multiplier(name).moments()
    assert moments.wce == wce
    for value, printed in ((moments.mae, mae), (100 * moments.error_rate, ep), (100 * moments.mred, mre)):
        assert rounds_to(value, printed)
    assert moments.mse == float(mse)


@pytest.mark.parametrize("name", SIGNED)
def test_closed_forms_of_the_signed_circuits(name):
    form = SIGNED[name][-1]
    if form is None:
        kept = axsim.formats.pattern_values("s8") >> CLEARED_BITS[name] << CLEARED_BITS[name]
        table = kept[:, None] * kept[None, :]
    else:
        table = axsim.multiplier(form).table
    assert np.array_equal(axsim.multiplier(name).table, table)


@pytest.mark.parametrize("name", CIRCUITS)
def test_tables_are_those_of_the_circuits(name):
    """Against the tables recomputed from the C files, of which the shipped file holds the errors."""
    with h5py.File(shared_data("evoapproxlib_8x8.h5")) as file:
        assert np.array_equal(axsim.multiplier(name).table, file[name][()])
        assert CIRCUITS[name].costs.power_mw == file[name].attrs["pdk45_power_mw"]


def test_a_circuit_has_its_costs_version_and_citation():
    circuit = axsim.multiplier("mul8u_FTA")
    assert circuit.operands == ("u8", "u8")
    assert (circuit.costs.power_mw, circuit.costs.area_um2, circuit.costs.delay_ns) == (0.084, 214.5, 0.95)
    assert "PDK45" in circuit.costs.source
    assert evoapproxlib.VERSION in circuit.source
    assert "10.23919/DATE.2017.7926993" in circuit.source
    served = circuit.serving("s8", "s8")
    assert served.costs == circuit.costs
    assert served.source == circuit.source
