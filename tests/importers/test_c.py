"""C source: values as C defines them, and a clear refusal of everything else, with nothing executed."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from circuits import ARRAYS, BOOTH_C, booth_table
from hypothesis import given, settings
from hypothesis import strategies as st

from axsim import AxsimError, import_multiplier
from axsim.formats import exact_products


def imported(tmp_path, text, **options):
    path = tmp_path / "mine.c"
    path.write_text(text)
    return import_multiplier(path, **options)


def function(body, parameters="uint8_t a, uint8_t b", result="uint16_t"):
    return f"#include <stdint.h>\n{result} mine({parameters})\n{{\n{body}\n}}\n"


@pytest.mark.parametrize("name", ARRAYS)
def test_array_multipliers(tmp_path, name):
    array = ARRAYS[name]
    found = imported(tmp_path, array.c())
    assert found.multiplier.operands == array.operands
    assert np.array_equal(found.multiplier.table, array.table())


@pytest.mark.parametrize("name", [name for name in ARRAYS if "exact" in name or "cut columns" in name])
def test_wide_types_are_read_by_content(tmp_path, name):
    """EvoApproxLib declares uint64_t for operands of 8 bits, B first."""
    array = ARRAYS[name]
    found = imported(tmp_path, array.c(first="B", second="A", wide=True))
    assert found.multiplier.operands == array.operands
    assert "from the content" in found.about["operands"]
    assert np.array_equal(found.multiplier.table, array.table())


def test_booth(tmp_path):
    found = imported(tmp_path, BOOTH_C)
    assert found.multiplier.name == "booth"
    assert found.multiplier.operands == ("s8", "s8")
    assert np.array_equal(found.multiplier.table, booth_table())
    assert found.check.not_commuting


@pytest.mark.parametrize(
    ("parameters", "order", "swapped"),
    [
        ("uint8_t A, uint8_t B", None, False),
        ("uint8_t B, uint8_t A", None, True),
        ("uint8_t in2, uint8_t in1", None, True),
        ("uint8_t w, uint8_t x", None, False),
        ("uint8_t x, uint8_t w", None, True),
        ("uint8_t activation, uint8_t weight", None, True),
        ("uint8_t second, uint8_t first", None, False),
        ("uint8_t A, uint8_t B", "x,w", True),
        ("uint8_t B, uint8_t A", "w,x", False),
    ],
)
def test_operand_order(tmp_path, parameters, order, swapped):
    first = parameters.split()[1].rstrip(",")
    second = parameters.split()[-1]
    found = imported(tmp_path, function(f"return ({first} & 0xFE) * {second};", parameters), order=order)
    values = np.arange(256)
    expected = np.outer(values & 0xFE, values)
    assert np.array_equal(found.multiplier.table, expected.T if swapped else expected)
    assert f"{second if swapped else first} is the weight" in found.about["order"]


@pytest.mark.parametrize("pair", [("u8", "u8"), ("s8", "s8"), ("s8", "u8"), ("u8", "s8")])
def test_declared_types_say_the_operands(tmp_path, pair):
    w, x = ({"u8": "uint8_t", "s8": "int8_t"}[fmt] for fmt in pair)
    found = imported(tmp_path, function("return (int)w * x;", f"{w} w, {x} x", "int32_t"))
    assert found.multiplier.operands == pair
    assert np.array_equal(found.multiplier.table, exact_products(*pair))


def test_operands_that_neither_file_nor_content_show_are_asked_for(tmp_path):
    text = function("return (a + b) & 0xFF;", "int a, int b", "int")
    with pytest.raises(AxsimError, match=r"does not say how its operands are read.*--operands"):
        imported(tmp_path, text)
    assert imported(tmp_path, text, operands=("u8", "s8")).multiplier.operands == ("u8", "s8")


def test_signed_circuit_declared_unsigned_is_noticed_and_mended(tmp_path):
    """As three circuits of EvoApproxLib are, mul8s_1L2H among them."""
    text = ARRAYS["signed cut"].c().replace("int8_t A, const int8_t B", "uint8_t A, const uint8_t B")
    text = text.replace("int16_t mine", "uint16_t mine").replace("  int16_t O", "  uint16_t O")
    found = imported(tmp_path, text)
    assert found.multiplier.operands == ("u8", "u8")
    assert any("pass --operands s8,s8" in each for each in found.check.suspicions)
    mended = imported(tmp_path, text, operands=("s8", "s8"))
    assert np.array_equal(mended.multiplier.table, ARRAYS["signed cut"].table())
    assert mended.check.suspicions == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("int r = a; if (a > b) r = b; else { r += 1; } return r;", lambda a, b: np.where(a > b, b, a + 1)),
        ("if (a == 3) return 7; return a & b;", lambda a, b: np.where(a == 3, 7, a & b)),
        ("return a ? (b ? 1 : 2) : 3;", lambda a, b: np.where(a != 0, np.where(b != 0, 1, 2), 3)),
        ("return (uint8_t)(a + b);", lambda a, b: (a + b) & 255),
        ("return a - b < 0;", lambda a, b: (a - b < 0).astype(int)),
        ("return a - 300u > 5;", lambda a, b: np.ones_like(a)),
        ("return (int8_t)a < 0;", lambda a, b: (a >= 128).astype(int)),
        ("return ((int8_t)a >> 4) & 0xFF;", lambda a, b: (((a ^ 128) - 128) >> 4) & 255),
        ("return ~a & 0xFFFF;", lambda a, b: ~a & 0xFFFF),
        ("return !a + !!b;", lambda a, b: (a == 0).astype(int) + (b != 0)),
        ("uint8_t t = a; t <<= 1; t ^= b; return t;", lambda a, b: ((a << 1) & 255) ^ b),
        ("uint32_t t = 0; t = t - 1; return t >> 16;", lambda a, b: np.full_like(a, 0xFFFF)),
        ("return a != 0 && 256 >> (a - 1) ? 1 : 0;", lambda a, b: ((a > 0) & (a < 10)).astype(int)),
        ("{ uint8_t a = 1; b = a; } return a + b;", lambda a, b: a + 1),
        ("return 010 + 0x10 + 1;", lambda a, b: np.full_like(a, 25)),
        ("return (a * b) >> 1 << 1;", lambda a, b: a * b // 2 * 2),
    ],
)
def test_semantics(tmp_path, body, expected):
    a, b = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    # One shift is by 31 and more for some pairs, which && and the conditional must not evaluate.
    text = function(body.replace("256 >> (a - 1)", "(a < 32 && 256 >> (a - 1))"), result="uint32_t")
    found = imported(tmp_path, text, operands=("u8", "u8"))
    assert np.array_equal(found.multiplier.table, expected(a, b))


names = st.sampled_from(["a", "b", "c", "3", "0x80u", "200", "1ull"])
casts = st.sampled_from(
    ["", "(uint8_t)", "(int8_t)", "(uint16_t)", "(int16_t)", "(int32_t)", "(uint32_t)", "(uint64_t)"]
)
expressions = st.recursive(
    st.builds("{}{}".format, casts, names),
    lambda inner: st.one_of(
        st.builds("{}({} {} {})".format, casts, inner, st.sampled_from("&|^"), inner),
        st.builds("{}((uint32_t){} {} {})".format, casts, inner, st.sampled_from("+-*"), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["<", ">", "<=", ">=", "==", "!=", "&&", "||"]), inner),
        st.builds("(({} & 0x7F) << {})".format, inner, st.integers(0, 20)),
        st.builds("({} >> {})".format, inner, st.integers(0, 31)),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}(~{})".format, casts, inner),
        st.builds("(!{})".format, inner),
    ),
    max_leaves=12,
)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler to compare with")
@settings(deadline=None, max_examples=3)
@given(bodies=st.lists(expressions, min_size=40, max_size=40))
def test_random_expressions_are_what_a_compiler_makes_of_them(tmp_path_factory, bodies):
    folder = tmp_path_factory.mktemp("random")
    texts = [
        f"#include <stdint.h>\nint32_t f{i}(uint8_t a, int8_t b) {{ int16_t c = a * b; return (int16_t)({body}); }}\n"
        for i, body in enumerate(bodies)
    ]
    loop = "\n".join(
        f"void t{i}(int32_t *o) {{ for (int i = 0; i < 65536; i++) o[i] = f{i}(i >> 8, (int8_t)(i & 255)); }}"
        for i in range(len(bodies))
    )
    (folder / "all.c").write_text("".join(texts) + loop)
    subprocess.run(["cc", "-w", "-O1", "-fwrapv", "-shared", "-fPIC", "-o", "all.so", "all.c"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "all.so"))
    compared = 0
    for i, text in enumerate(texts):
        expected = np.zeros(65536, np.int32)
        library[f"t{i}"](expected.ctypes.data_as(ctypes.c_void_p))
        try:
            found = imported(folder, text, operands=("u8", "s8"), order="w,x")
        except AxsimError as error:  # a signed product or shift may overflow, which the compiler was told to wrap
            assert "undefined" in str(error)
            continue
        assert np.array_equal(found.multiplier.table.ravel(), expected), text
        compared += 1
    assert compared


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return a * b", "not C"),
        ("int i; int r = 0; for (i = 0; i < 8; i++) r += a; return r;", "a loop"),
        ("while (1) a = 1; return a;", "a loop"),
        ("do a = 1; while (a); return a;", "a loop"),
        ("again: goto again; return a;", "label"),
        ("switch (a) { case 1: return 2; } return 3;", "switch"),
        ('system("touch CANARY"); return a;', "calls system"),
        ('return printf("x");', "calls printf"),
        ("return *(&a);", "pointer"),
        ("uint8_t *p = &a; return *p;", "pointer"),
        ("int t[4]; return t[0];", "array"),
        ("struct { int x; } s; return s.x;", "structure"),
        ("float f = a; return f;", "integer type"),
        ("return a * 1.5;", "integers"),
        ("char c = a; return c;", "char is signed on some machines"),
        ("static int s; return a;", "static"),
        ("return sizeof(a);", "sizeof"),
        ("return a / b;", "operator /"),
        ("return a++;", "operator ++"),
        ("int q; return q;", "read before"),
        ("int q; if (a) q = 1; return q;", "read before"),
        ("if (a) return 1;", "does not return a value"),
        ("return a << 40;", "undefined"),
        ("return a << b;", "undefined"),
        ("return 0x7FFFFFFF + a;", "undefined"),
        ("return (a - 128) << 28;", "undefined"),
        ("return missing;", "not declared"),
        ("int a; int c; int c; return 1;", "declared twice"),
        ("return (a, b);", "comma"),
        ("return;", "must have a value"),
        ('asm("nop"); return a;', "asm"),
        ("return 99999999999999999999;", "fits no integer type"),
        ("return mine(a, b);", "recursively"),
    ],
)
def test_what_is_refused_in_a_body(tmp_path, body, said):
    with pytest.raises(AxsimError) as raised:
        imported(tmp_path, function(body))
    assert said in str(raised.value)
    assert "mine.c" in str(raised.value)
    assert not list(tmp_path.glob("*CANARY*"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must have one function"),
        ("int x;", "globals"),
        ("typedef struct s t;", "typedefs are not"),
        ("int f(int a, int b);", "must have one function"),
        (function("return a;", "uint8_t a"), "got none"),
        (function("return a;", "uint8_t a, uint8_t b, uint8_t c"), "got none"),
        (function("return 1;", "void"), "got none"),
        (function("return a;", "uint8_t a, ..."), "fixed number"),
        (function("return a;", "uint8_t *a, uint8_t b"), "a pointer"),
        (function("return a;", result="uint16_t *"), "a pointer"),
        (function("return a;", "foo_t a, uint8_t b"), "not C"),
        (function("return a;") + function("return b;").replace("mine", "other"), "name it with --top"),
        (function("return a;") * 2, "defined twice"),
        ("#define X 1\n" + function("return X;"), "preprocessor"),
        ('#include "evil.h" \\\n' + function("return a;"), "preprocessor"),
        ("#pragma once\n" + function("return a;"), "preprocessor"),
        (function("return " + "(" * 500 + "a" + ")" * 500 + ";"), "nested"),
        (function("return " + "~" * 5000 + "a;"), "nested"),
        (function("return " + "+".join(["a"] * 20000) + ";"), "nested"),
        ("{" * 100000, "nested"),
        ("\0" * 1000, "not C"),
        ("int f(int a, int b) { return a; }", "--operands"),
        ("uint64_t mine(uint8_t a, uint8_t b) { return 0xFFFFFFFFFFull; }", "fit int32"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused_of_a_file(tmp_path, text, said):
    with pytest.raises(AxsimError) as raised:
        imported(tmp_path, text)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_garbage_of_ten_megabytes(tmp_path):
    path = tmp_path / "mine.c"
    path.write_bytes(np.random.default_rng(0).bytes(10_000_000))
    with pytest.raises(AxsimError, match="not text"):
        import_multiplier(path)
    path.write_text("int f(int a) { a += " * 500_000)
    with pytest.raises(AxsimError, match="at most 1,000,000 characters"):
        import_multiplier(path)


def test_calls_that_double_at_each_level_end(tmp_path):
    levels = "".join(f"int f{i}(int a) {{ return f{i - 1}(a) + f{i - 1}(a); }}\n" for i in range(1, 15))
    text = "int f0(int a) { return a & 1; }\n" + levels + "int mine(int a, int b) { return f14(a) + f14(b); }\n"
    with pytest.raises(AxsimError, match="operations"):
        imported(tmp_path, text, operands=("u8", "u8"))


def test_many_variables_end(tmp_path):
    body = "".join(f"uint64_t v{i} = (uint64_t)a * b + {i}u;\n" for i in range(5000))
    with pytest.raises(AxsimError, match="too many variables"):
        imported(tmp_path, function(body + "return 0;"))


def test_top_names_the_function(tmp_path):
    text = function("return a;") + function("return b;").replace("mine", "other")
    assert imported(tmp_path, text, top="other", operands=("u8", "u8")).multiplier.name == "other"
    with pytest.raises(AxsimError, match=r"has no function 'third'; it has mine, other"):
        imported(tmp_path, text, top="third")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=300) | st.text("(){};=+-*&|^~<>?:,abint \n#/\"'", max_size=200).map(function))
def test_any_text_gives_an_error_or_a_multiplier(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "mine.c"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        import_multiplier(path)
    except AxsimError as error:
        assert str(error)
