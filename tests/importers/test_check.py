"""What the check of an imported multiplier finds, and that it suspects nothing of sound ones."""

import h5py
import numpy as np
import pytest
from circuits import ARRAYS, booth_table
from shared_data import shared_data

from axsim import AxsimError, Multiplier, import_multiplier, multiplier
from axsim.errors import AxsimWarning
from axsim.importers.multipliers.check import check
from axsim.importers.multipliers.suspicions import suspicions
from axsim.multipliers.libraries import evoapproxlib
from axsim.multipliers.members import examples
from axsim.multipliers.multiplier_file import load, save

S8 = ("s8", "s8")
NEGATIVE, POSITIVE = slice(128, 256), slice(1, 128)


def signed(table):
    return Multiplier("mine", table, S8)


@pytest.mark.parametrize("name", examples())
def test_no_family_is_suspected(name):
    found = multiplier(name)
    assert suspicions(found) == ()
    if found.operands == ("u8", "u8"):
        wrapped = found.serving("s8", "s8")
        assert [each for each in suspicions(wrapped) if "quadrant" in each] == []


@pytest.mark.parametrize("name", evoapproxlib.circuits())
def test_no_circuit_of_evoapproxlib_is_suspected(name):
    assert suspicions(evoapproxlib.multiplier(name)) == ()


def test_our_circuits_are_not_suspected():
    assert suspicions(signed(booth_table())) == ()
    for array in ARRAYS.values():
        assert suspicions(Multiplier("mine", array.table(), array.operands)) == ()


def test_the_mistake_of_the_circulated_mul8s_1l2h():
    """The product of the magnitudes where both operands are negative, -128 having -128 for its own: 12,414 entries."""
    right = evoapproxlib.multiplier("mul8s_1L2H").table
    magnitude = np.arange(128, 0, -1)
    wrong = right.copy()
    wrong[NEGATIVE, NEGATIVE] = right[np.ix_(magnitude, magnitude)]
    assert int((wrong != right).sum()) == 12_414
    found = suspicions(signed(wrong))
    assert any("positive x positive and negative x negative are copies" in each for each in found)
    assert any("192 large products have the wrong sign, such as -128 x -127 = -16128" in each for each in found)


@pytest.mark.parametrize(
    ("target", "source", "sign", "said"),
    [
        ((NEGATIVE, POSITIVE), (POSITIVE, POSITIVE), -1, "copies"),
        ((POSITIVE, NEGATIVE), (POSITIVE, POSITIVE), -1, "copies"),
        ((NEGATIVE, POSITIVE), (POSITIVE, NEGATIVE), 1, "transposes"),
        ((NEGATIVE, NEGATIVE), (POSITIVE, POSITIVE), 1, "transposes"),
    ],
)
def test_copied_and_transposed_quadrants(target, source, sign, said):
    table = ARRAYS["signed lossy rows"].table().copy()
    index = {"neg": 256 - np.arange(1, 128), "pos": np.arange(1, 128)}
    rows = [index["neg" if part is NEGATIVE else "pos"] for part in (*target, *source)]
    values = sign * table[np.ix_(rows[2], rows[3])]
    table[np.ix_(rows[0], rows[1])] = values.T if said == "transposes" else values
    assert any(said in each for each in suspicions(signed(table)))


def test_order_by_value_taken_for_patterns():
    table = np.roll(ARRAYS["signed cut"].table(), (128, 128), (0, 1))
    assert any("value + 128" in each for each in suspicions(signed(table)))


def test_signed_taken_for_unsigned():
    table = ARRAYS["signed cut"].table() & 0xFFFF
    assert any("--operands s8,s8" in each for each in suspicions(Multiplier("mine", table)))


def test_products_beyond_16_bits():
    table = np.outer(np.arange(256), np.arange(256))
    table[255, 255] = 2**16
    assert any("1 products do not fit" in each for each in suspicions(Multiplier("mine", table)))


def test_findings():
    table = np.outer(np.arange(256), np.arange(256)).astype(np.int64)
    table[0, 3] = 5
    table[7, 9] = 60
    found = check(Multiplier("mine", table))
    assert (found.not_commuting, found.not_odd, found.zero_products) == (2, None, 1)
    assert "no, for 1 of 511 pairs" in found.text()
    assert check(multiplier("exact:signed=1")).not_odd == 0


def test_stated_metrics():
    m = evoapproxlib.multiplier("mul8u_FTA")
    moments = m.moments()
    right = f"// MAE = {moments.mae:.3f}\n// WCE = {moments.wce}\n// EP% = {100 * moments.error_rate:.2f} %"
    assert all(each.agrees for each in check(m, right).stated)
    assert check(m, right).suspicions == ()
    wrong = check(m, "// MAE = 1\n// WCE = 2\n// EP% = 3.0 %")
    assert not any(each.agrees for each in wrong.stated)
    assert any("the file states another MAE, WCE, EP%" in each for each in wrong.suspicions)


def test_a_path_that_looks_wrong_warns(tmp_path):
    np.save(tmp_path / "t.npy", np.where(np.eye(256, dtype=bool), 2**17, np.outer(np.arange(256), np.arange(256))))
    with pytest.warns(AxsimWarning, match="do not fit the 16 bits"):
        multiplier(tmp_path / "t.npy")


def test_file_round_trip(tmp_path):
    (tmp_path / "mine.c").write_text(ARRAYS["cut rows"].c())
    imported = import_multiplier(tmp_path / "mine.c")
    save(imported.multiplier, tmp_path / "mine.h5", imported.about)
    for found in (load(tmp_path / "mine.h5"), multiplier(str(tmp_path / "mine.h5"))):
        assert found.name == "mine"
        assert found.digest == imported.multiplier.digest
    with pytest.raises(AxsimError, match="exists"):
        save(imported.multiplier, tmp_path / "mine.h5", overwrite=False)
    with h5py.File(tmp_path / "mine.h5") as file:
        assert file["about"].attrs["source"] == "mine.c"


@pytest.mark.parametrize("position", [0, 100, 600, 2000, -1])
def test_an_altered_file_is_refused(tmp_path, position):
    save(multiplier("drum:k=4"), tmp_path / "m.h5")
    content = bytearray((tmp_path / "m.h5").read_bytes())
    content[position] ^= 1
    (tmp_path / "m.h5").write_bytes(content)
    with pytest.raises(AxsimError, match=r"m\.h5"):
        multiplier(tmp_path / "m.h5")


def test_costs_survive(tmp_path):
    one = evoapproxlib.multiplier("mul8u_FTA")
    save(one, tmp_path / "m.h5")
    assert load(tmp_path / "m.h5").costs == one.costs


@pytest.mark.parametrize(("arrays", "function"), [(False, lambda w, x: w * x), (True, np.multiply)])
def test_from_function(arrays, function):
    assert Multiplier.from_function(function, S8, name="mine", arrays=arrays).is_exact


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda w, x: w / (x or 1), "must return integers"),
        (lambda w, x: [w, x], "must return integers"),
        (lambda w: w, "failed: TypeError"),
        (lambda w, x: 1 // x, "failed: ZeroDivisionError"),
    ],
)
def test_functions_that_are_no_multiplier(function, said):
    with pytest.raises(AxsimError, match=said):
        Multiplier.from_function(function)


def test_published_tables_are_shared(tmp_path):
    """The tables behind the catalogue, imported as arrays, come in as they are catalogued."""
    with h5py.File(shared_data("evoapproxlib_8x8.h5")) as file:
        for name in ("mul8s_1L2H", "mul8u_FTA"):
            np.save(tmp_path / f"{name}.npy", file[name][()])
            assert import_multiplier(tmp_path / f"{name}.npy").multiplier.digest == evoapproxlib.multiplier(name).digest
