"""Tables: every file format and order in use gives the same 65,536 entries, or the user is asked."""

import numpy as np
import pytest
from circuits import ARRAYS
from hypothesis import given, settings
from hypothesis import strategies as st

from axsim import AxsimError, import_multiplier
from axsim.formats import pattern_values

CASES = {
    "unsigned": ARRAYS["cut rows"],
    "signed": ARRAYS["signed lossy rows"],
}


def c_array(table, name="lut", kind="int16_t", flat=False):
    rows = [", ".join(map(str, row)) for row in table.tolist()]
    size, body = ("[65536]", ", ".join(rows)) if flat else ("[256][256]", ",\n".join(f"{{{row}}}" for row in rows))
    return f"#include <stdint.h>\n// a table\nconst {kind} {name}{size} = {{{body}}};\n"


def grid(table, separator):
    return "\n".join(separator.join(map(str, row)) for row in table.tolist())


def framed(table, values):
    return (
        ",".join(["w\\x", *map(str, values)])
        + "\n"
        + "\n".join(",".join(map(str, [value, *row])) for value, row in zip(values, table.tolist(), strict=True))
    )


def triples(table, values):
    lines = [f"{w},{x},{table[i, j]}" for i, w in enumerate(values) for j, x in enumerate(values)]
    return "a,b,product\n" + "\n".join(lines)


def by_value(table):
    """The same table, indexed by value + 128."""
    order = np.argsort(pattern_values("s8"))
    return table[np.ix_(order, order)]


def written(folder, form, table, signed):
    """Write a table [256, 256] by pattern in one of the forms; returns the path."""
    order = "offset" if form.startswith("offset ") else "pattern"
    table = by_value(table) if order == "offset" else table
    form = form.removeprefix("offset ")
    values = np.sort(pattern_values("s8")) if order == "offset" else np.arange(256)
    texts = {
        "csv": ("t.csv", lambda: grid(table, ",")),
        "semicolons": ("t.csv", lambda: grid(table, "; ")),
        "blanks": ("t.txt", lambda: "# mine\n" + grid(table, "  ")),
        "tabs": ("t.tsv", lambda: grid(table, "\t")),
        "flat": ("t.txt", lambda: "\n".join(map(str, table.ravel()))),
        "framed": ("t.csv", lambda: framed(table, values)),
        "triples": ("t.csv", lambda: triples(table, values)),
        "C": ("t.h", lambda: c_array(table)),
        "C flat": ("t.c", lambda: c_array(table, flat=True)),
    }
    if form in texts:
        name, text = texts[form]
        (folder / name).write_text(text())
        return folder / name
    if form.startswith("npy"):
        kinds = {"npy": np.int32, "npy int64": np.int64, "npy float": np.float32, "npy 16": "<i2" if signed else "<u2"}
        np.save(folder / "t.npy", table.astype(kinds[form]).reshape(-1 if "int64" in form else (256, 256)))
        return folder / "t.npy"
    (folder / "t.bin").write_bytes((table & 0xFFFF if "2" in form else table).astype(form).tobytes())
    return folder / "t.bin"


TEXTS = ["csv", "semicolons", "blanks", "tabs", "flat", "framed", "triples", "C", "C flat"]
BINARY = ["npy", "npy int64", "npy float", "npy 16", "<u2", ">u2", "<i4", ">i4"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", [*TEXTS, *BINARY])
def test_every_form_gives_the_same_table(tmp_path, form, case):
    array = CASES[case]
    found = import_multiplier(written(tmp_path, form, array.table(), array.signed))
    assert found.multiplier.operands == array.operands
    assert np.array_equal(found.multiplier.table, array.table())


@pytest.mark.parametrize("form", [f"offset {form}" for form in [*TEXTS, "npy", "<u2", ">i4"]])
def test_index_by_value_plus_128_is_recognised(tmp_path, form):
    array = CASES["signed"]
    found = import_multiplier(written(tmp_path, form, array.table(), True))
    assert found.multiplier.operands == ("s8", "s8")
    assert np.array_equal(found.multiplier.table, array.table())
    assert "value" in found.about["operands"]


def test_16_bit_patterns_of_signed_products_are_recognised(tmp_path):
    table = CASES["signed"].table()
    np.save(tmp_path / "t.npy", (table & 0xFFFF).astype(np.uint16))
    assert np.array_equal(import_multiplier(tmp_path / "t.npy").multiplier.table, table)


@pytest.mark.parametrize("pair", [("u8", "s8"), ("s8", "u8")])
def test_mixed_operands_are_recognised(tmp_path, pair):
    w, x = (pattern_values(fmt) for fmt in pair)
    table = np.outer(w & ~1, x)
    np.save(tmp_path / "t.npy", table)
    found = import_multiplier(tmp_path / "t.npy")
    assert found.multiplier.operands == pair
    assert np.array_equal(found.multiplier.table, table)


@pytest.mark.parametrize(("order", "swapped"), [(None, False), ("w,x", False), ("x,w", True)])
def test_rows_are_the_weight_unless_said(tmp_path, order, swapped):
    table = CASES["unsigned"].table()
    np.save(tmp_path / "t.npy", table)
    found = import_multiplier(tmp_path / "t.npy", order=order)
    assert np.array_equal(found.multiplier.table, table.T if swapped else table)
    assert found.check.not_commuting


def test_a_table_that_shows_nothing_is_asked_about_and_never_guessed(tmp_path):
    table = np.random.default_rng(0).integers(0, 2**15, (256, 256))
    np.save(tmp_path / "t.npy", table)
    with pytest.raises(AxsimError, match=r"no reading agrees.*--operands"):
        import_multiplier(tmp_path / "t.npy")
    with pytest.raises(AxsimError, match=r"--index"):
        import_multiplier(tmp_path / "t.npy", operands=("s8", "s8"))
    found = import_multiplier(tmp_path / "t.npy", operands=("s8", "s8"), index="value+128")
    assert np.array_equal(found.multiplier.table, np.roll(table, (128, 128), (0, 1)))
    assert np.array_equal(import_multiplier(tmp_path / "t.npy", operands=("u8", "u8")).multiplier.table, table)
    (tmp_path / "t.bin").write_bytes(table.astype("<i2").tobytes())
    with pytest.raises(AxsimError, match="--dtype"):
        import_multiplier(tmp_path / "t.bin", operands=("u8", "u8"))
    found = import_multiplier(tmp_path / "t.bin", operands=("u8", "u8"), dtype="<i2")
    assert np.array_equal(found.multiplier.table, table)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"", "must have 256 rows"),
        ("t.csv", b"1,2\n3,4\n", "got 2 of 2"),
        ("t.csv", b"1,2\n3\n", "different lengths"),
        ("t.csv", ("1," * 255 + "x\n").encode() * 256, "whole numbers, got 'x'"),
        ("t.csv", ("1," * 255 + "1.5\n").encode() * 256, "whole numbers, got '1.5'"),
        ("t.csv", ("9" * 30 + ",1" * 255 + "\n").encode() * 256, "whole numbers"),
        ("t.csv", ("9" * 15 + ",1" * 255 + "\n").encode() * 256, "fit int32"),
        ("t.csv", b"1,2,3\n" * 65536, "operand values must be"),
        ("t.csv", b"\xff\xfe\x00", "not text"),
        ("t.txt", b"1 " * 5_000_000, "at most 8,000,000"),
        ("t.bin", b"\0" * 1000, "got 1,000"),
        ("t.bin", b"", "got 0"),
        ("t.npy", b"", "not a .npy file"),
        ("t.npy", b"\x93NUMPY\x01\x00\xff\xff", "not a .npy file"),
        ("t.npy", b"PK\x03\x04", "not a .npy file"),
        ("t.h", b"int t[2] = {1, 2};", "one array of 65,536 entries"),
        ("t.h", b"int t[2] = {1, 2", "does not end"),
        ("t.h", b"int t[65536] = {" + b"1," * 65535 + b"f(2)};", "whole numbers"),
        ("t.h", b"int t[65536] = {" + b"1," * 70000 + b"};", "must have 65,536"),
        ("t.h", b"int t[65536] = {" + b"0010," * 65535 + b"1};", "0010 is an octal number in C"),
        ("t.h", b"int t[2][3] = {" + b"{1,2},{1}," * 25000 + b"};", "256 rows"),
        ("t.h", b"int t[65536] = " + b"{" * 1_000_000, "does not end"),
        ("t.xyz", b"", "must end in one of"),
        ("t.py", b"open('CANARY', 'w')", "is Python code, which reading a multiplier never runs"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_refused(tmp_path, monkeypatch, name, content, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AxsimError) as raised:
        import_multiplier(tmp_path / name)
    assert said in str(raised.value)
    assert name in str(raised.value)
    assert len(str(raised.value)) < 1000
    assert [path.name for path in tmp_path.iterdir()] == [name]


class Canary:
    """A pickle that writes a file when it is loaded."""

    def __reduce__(self):
        return open, ("CANARY", "w")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((256, 256), Canary(), dtype=object), "not a .npy file"),
        (np.zeros((256, 255), np.int32), r"got \(256, 255\)"),
        (np.zeros((256, 256), np.complex64), "dtype complex64"),
        (np.full((256, 256), 0.5), "whole numbers"),
        (np.full((256, 256), np.nan), "whole numbers"),
        (np.full((256, 256), 2**40), "fit int32"),
        (np.zeros((256, 256), bool), "dtype bool"),
    ],
    ids=["objects", "shape", "complex", "fractions", "nan", "too large", "bool"],
)
def test_arrays_that_are_no_table(tmp_path, monkeypatch, array, said):
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "t.npy", array, allow_pickle=True)
    with pytest.raises(AxsimError, match=said):
        import_multiplier(tmp_path / "t.npy")
    assert not (tmp_path / "CANARY").exists()


@settings(deadline=None, max_examples=60)
@given(
    content=st.binary(max_size=300) | st.text("0123456789,; \n{}[]=-xint", max_size=300).map(str.encode), data=st.data()
)
def test_any_content_gives_an_error(tmp_path_factory, content, data):
    path = tmp_path_factory.mktemp("any") / f"t.{data.draw(st.sampled_from(['npy', 'csv', 'txt', 'h', 'bin', 'tsv']))}"
    path.write_bytes(content)
    with pytest.raises(AxsimError):
        import_multiplier(path)
