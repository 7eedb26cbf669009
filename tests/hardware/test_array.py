"""The systolic array equals `axsim.matmul`, partial sum for partial sum, and the engine's codes."""

import pathlib

import numpy as np
import pytest
from networks import network_of

import axsim
from axsim.errors import AxsimError, HardwareError, MultiplierError
from axsim.hardware.array import Array, Configuration, MatrixProduct, closed_form_cycles, sources, tiles
from axsim.hardware.array.tiles import products_of, runnable
from axsim.hardware.tools import ICARUS, VERILATOR, VVP
from axsim.inference.gemm import Rescale

needs_icarus = pytest.mark.skipif(not ICARUS.is_installed(), reason="Icarus Verilog is not installed")
needs_verilator = pytest.mark.skipif(not VERILATOR.is_installed(), reason="Verilator is not installed")
CONFIGURATIONS = [Configuration(), Configuration(0, 0), Configuration(127, 3), Configuration(5, 5)]


def random_product(seed, channels=6, depth=11, pixels=13):
    """Operands that fill their range, now and then at its ends, and constants of all magnitudes."""
    rng = np.random.default_rng(seed)

    def codes(*shape):
        extreme = rng.choice([-128, 127, 0], shape)
        return np.where(rng.random(shape) < 0.2, extreme, rng.integers(-128, 128, shape)).astype(np.int8)

    bias = rng.choice([0, 2**31 - 1, -(2**31), 12345, -1], channels).astype(np.int32)
    scale = (2.0 ** rng.integers(-30, 6, channels) * rng.uniform(1, 2, channels)).astype(np.float32)
    zero_point = int(rng.integers(-128, 128))
    clamp = (-128, 127) if seed % 2 else (zero_point, max(zero_point, 100))
    rescale = Rescale(bias, scale, zero_point, clamp)
    return MatrixProduct("random", codes(channels, depth), codes(depth, pixels), rescale)


def check(array, product, configuration, chained=False, **pauses):
    given = list(tiles(product, configuration.multiplier(), array.size, array.bits, array.overflow, chained))
    outcome = array.run(given, configuration, (product.rescale.zero_point, *product.rescale.clamp), **pauses)
    assert outcome.differences == ()
    assert outcome.passed
    assert (outcome.wrong_sums, outcome.wrong_codes) == (0, 0)
    assert outcome.sums == sum(tile.pixels for tile in given)
    assert outcome.codes == sum(tile.pixels for tile in given if tile.emit)
    return given, outcome


@needs_icarus
@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
@pytest.mark.parametrize("bits", [8, 16, 20, 32])
@pytest.mark.parametrize("size", [4, 5])
def test_array_equals_matmul(size, bits, overflow):
    with Array(size, bits, overflow) as array:
        for index, configuration in enumerate(CONFIGURATIONS):
            check(array, random_product(index), configuration)
            check(array, random_product(index), configuration, chained=True)


@needs_icarus
@pytest.mark.parametrize("size", [8, 16])
def test_larger_meshes(size):
    with Array(size, 20, "saturate") as array:
        check(array, random_product(1, channels=size + 1, depth=2 * size + 3, pixels=2 * size), Configuration(10, 2))


@needs_icarus
def test_tiles_carry_what_matmul_gives():
    product, used = random_product(3, channels=7, depth=10, pixels=5), Configuration(10, 1).multiplier()
    w, x = product.weight, product.columns
    for chained, taps in ((False, 4), (True, None)):
        kept = {"accumulator_bits": 16, "overflow": "saturate"}
        given = list(tiles(product, used, 4, 16, "saturate", chained))
        assert len(given) == 2 * 3  # channels in fours, taps in fours
        totals = axsim.matmul(w, x, used, **kept, accumulator_taps=taps)
        ends = [tile for tile in given if tile.emit]
        codes = np.concatenate([tile.codes.T for tile in ends])[:7]
        assert np.array_equal(codes, product.rescale.codes(totals))
        first = axsim.matmul(w[:4, :4], x[:4], used, **kept)
        assert np.array_equal(given[0].sums, first.T)
        if chained:
            assert np.array_equal(np.concatenate([tile.sums.T for tile in ends])[:7], totals)


@needs_icarus
@pytest.mark.parametrize("bubbles", [0, 30, 80])
def test_pauses_change_nothing_but_the_cycles(bubbles):
    with Array(4, 18, "saturate") as array:
        product = random_product(5, channels=9, depth=17, pixels=11)
        given, outcome = check(array, product, Configuration(10, 3), bubbles=bubbles, seed=bubbles)
        form = closed_form_cycles([tile.pixels for tile in given], 4)
        assert outcome.cycles == form if bubbles == 0 else outcome.cycles > form


@needs_icarus
def test_cycles_of_tiles_back_to_back_are_those_of_the_closed_form():
    for size in (4, 7):
        with Array(size, 32, "wrap") as array:
            for pixels in (1, 2, size, 2 * size - 1, 2 * size, 40):
                product = random_product(pixels, channels=2 * size, depth=3 * size, pixels=pixels)
                _, outcome = check(array, product, Configuration())
                assert outcome.cycles == closed_form_cycles(outcome.pixels, size)
                assert len(outcome.pixels) == 6
    assert closed_form_cycles([], 4) == 0


@needs_icarus
@pytest.mark.parametrize("bubbles", [0, 40])
def test_a_reset_in_mid_tile_leaves_nothing_behind(bubbles):
    with Array(4, 20, "wrap") as array:
        product = random_product(6, channels=5, depth=9, pixels=12)
        _, undisturbed = check(array, product, Configuration(3, 2))
        for cycle in range(2, undisturbed.cycles, 5):
            check(array, product, Configuration(3, 2), bubbles=bubbles, seed=cycle, reset_at=cycle)


@needs_icarus
@pytest.mark.parametrize(
    ("module", "gate", "other"),
    [
        ("configurable_mbm", "w[7] ^ x[7]", "w[7] | x[7]"),
        ("configurable_mbm", "corrected[9] ? mitchell", "corrected[8] ? mitchell"),
        ("logarithm", "{value[3:0], 3'b0}", "{value[3:1], 4'b0}"),
        ("configuration", "7'd1 << cut", "7'd2 << cut"),
        ("processing_element", "{sign, {(SUM_BITS-1){~sign}}}", "{sign, {(SUM_BITS-1){sign}}}"),
        ("processing_element", "start_left ? waiting : active", "start ? waiting : active"),
        ("systolic_array", "UNTIL_FREE = ROWS - 5'd2", "UNTIL_FREE = ROWS - 5'd3"),
        ("accumulator", "adding_clear ? 32'd0", "adding_emit ? 32'd0"),
        ("requantizer", "sign2 ? -size : size", "sign1 ? -size : size"),
    ],
)
def test_a_changed_gate_is_caught(monkeypatch, module, gate, other):
    def changed(name):
        text = sources.source(name)
        assert name != module or text.count(gate) == 1
        return text.replace(gate, other) if name == module else text

    monkeypatch.setattr("axsim.hardware.array.simulation.source", changed)
    product = random_product(1, channels=8, depth=12, pixels=200)
    with Array(4, 16, "saturate") as array:
        used = Configuration(10, 2)
        given = list(tiles(product, used.multiplier(), 4, 16, "saturate"))
        outcome = array.run(given, used, (product.rescale.zero_point, *product.rescale.clamp))
    assert not outcome.passed
    assert outcome.wrong_sums + outcome.wrong_codes > 0
    assert "instead of" in outcome.differences[0]


PAIRS = """
module pairs;
    reg signed [7:0] w, x;
    reg [6:0] correction, kept, lowest;
    reg [2:0] cut;
    wire signed [16:0] p;
    integer i, argument, file;
    configurable_mbm multiplier (.w(w), .x(x), .correction(correction), .kept(kept), .lowest(lowest), .p(p));
    initial begin
        if ($value$plusargs("correction=%d", argument)) correction = argument[6:0];
        if ($value$plusargs("cut=%d", argument)) cut = argument[2:0];
        kept = 7'h7f << cut;
        lowest = cut == 0 ? 7'd0 : 7'd1 << cut;
        for (i = 0; i < 65536; i = i + 1) begin
            {w, x} = i[15:0];
            #1 $display("%0d", p);
        end
    end
endmodule
"""


@needs_icarus
def test_all_pairs_through_the_configurable_multiplier(tmp_path):
    sources.write_verilog(tmp_path / "rtl")
    (tmp_path / "rtl" / "pairs.v").write_text(PAIRS)
    files = ["logarithm.v", "configurable_mbm.v", "pairs.v"]
    ICARUS.find().checked(["-g2001", "-Wall", "-s", "pairs", "-o", "pairs", *files], tmp_path / "rtl")
    for correction, cut in ((10, 0), (0, 0), (127, 0), (10, 1), (1, 2), (64, 3), (10, 4), (100, 5), (0, 5), (127, 5)):
        printed = VVP.find().checked(["pairs", f"+correction={correction}", f"+cut={cut}"], tmp_path / "rtl")
        table = Configuration(correction, cut).multiplier().serving("s8", "s8").table
        assert np.array_equal(np.array(printed.split(), np.int64).reshape(256, 256), table)


CODES = """
module codes;
    reg clock;
    reg [31:0] total, bias;
    reg [30:0] multiplier;
    reg [94:0] given [0:39999];
    wire [7:0] code;
    integer i;
    requantizer stage (.clock(clock), .enable(1'b1), .total(total), .bias(bias), .multiplier(multiplier),
        .zero_point(9'sd3), .low(-9'sd120), .high(9'sd127), .code(code));
    initial begin
        $readmemh("given.hex", given);
        for (i = 0; i < 40000; i = i + 1) begin
            {total, bias, multiplier} = given[i];
            repeat (3) begin clock = 0; #1 clock = 1; #1; end
            $display("%0d", code);
        end
    end
endmodule
"""


@needs_icarus
@pytest.mark.parametrize(
    ("gate", "other"),
    [
        ("clock", "clock"),
        ("normalized[8])", "1'b1)"),
        ("|spread[23:0] || spread[25]", "|spread[23:0] || spread[24]"),
        ("exponent2 >= 9'd136", "exponent2 >= 9'd137"),
    ],
)
def test_the_requantizer_rounds_as_the_engine_and_with_a_gate_changed_does_not(tmp_path, gate, other):
    rng = np.random.default_rng(1)
    # Ties of the conversion to float32 that are near halves of a code; ties of the code; any magnitude; any bias.
    half = (2 * rng.integers(-63, 63, 10000) + 1) * 2**24 + rng.integers(-3, 4, 10000) * rng.choice([1, 64, 128], 10000)
    small = rng.integers(-255, 256, 10000)
    wide = rng.integers(-(2**31), 2**31, 20000) >> rng.integers(0, 31, 20000)
    total = np.concatenate([half, small, wide])
    multiplier = np.concatenate([np.full(10000, 2.0**-25), np.full(10000, 0.5), 2.0 ** rng.integers(-31, 3, 20000)])
    multiplier[-20000:] *= rng.choice([1, 1.25, 1.5, 1.7, 1.99], 20000)
    multiplier = multiplier.astype(np.float32)
    multiplier[-40:] = np.finfo(np.float32).tiny
    multiplier[-20:] = np.finfo(np.float32).max / 2**33  # what the product with any sum leaves finite
    bias = np.where(rng.random(40000) < 0.5, 0, rng.integers(-(2**31), 2**31, 40000))
    total = (total - bias).astype(np.int32)  # wraps, and the bias brings it back
    bias = bias.astype(np.int32)
    words = [
        (int(t) & 0xFFFFFFFF) << 63 | (int(b) & 0xFFFFFFFF) << 31 | int(m)
        for t, b, m in zip(total, bias, multiplier.view(np.int32), strict=True)
    ]
    text = sources.source("requantizer")
    assert gate == other or text.count(gate) == 1
    (tmp_path / "requantizer.v").write_text(text.replace(gate, other))
    (tmp_path / "codes.v").write_text(CODES)
    (tmp_path / "given.hex").write_text("\n".join(f"{word:x}" for word in words))
    ICARUS.find().checked(["-g2001", "-Wall", "-s", "codes", "-o", "codes", "requantizer.v", "codes.v"], tmp_path)
    printed = np.array(VVP.find().checked(["codes"], tmp_path).split(), np.int64).astype(np.uint8)
    wanted = Rescale(bias, multiplier, 3, (-120, 127)).codes(total[:, None])[:, 0]
    assert len(np.unique(wanted)) > 200
    assert np.array_equal(printed, wanted) == (gate == other)


@needs_icarus
def test_icarus_finds_nothing_to_warn_of(tmp_path):
    sources.write_verilog(tmp_path)
    files = [f"{module}.v" for module in (*sources.DESIGN, sources.TEST_BENCH)]
    result = ICARUS.find().run(["-g2001", "-Wall", "-t", "null", "-s", sources.TEST_BENCH, *files], tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@needs_verilator
@pytest.mark.parametrize(("size", "bits", "saturate"), [(16, 20, 0), (4, 32, 1), (5, 8, 1), (8, 17, 0)])
def test_verilator_finds_nothing_to_warn_of(tmp_path, size, bits, saturate):
    sources.write_verilog(tmp_path)
    given = [f"-GSIZE={size}", f"-GSUM_BITS={bits}", f"-GSATURATE={saturate}"]
    files = [f"{module}.v" for module in sources.DESIGN]
    result = VERILATOR.find().run(
        ["--lint-only", "-Wall", "--language", "1364-2001", "--top-module", sources.TOP, *given, *files], tmp_path
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@needs_verilator
@pytest.mark.slow
def test_verilator_agrees():
    with Array(4, 16, "saturate", "verilator") as array:
        product = random_product(8, channels=9, depth=17, pixels=50)
        check(array, product, Configuration(10, 3), bubbles=30)
        check(array, product, Configuration(10, 3), reset_at=60)
        check(array, product, Configuration(0, 5), chained=True)


def test_what_is_not_written_over(tmp_path):
    paths = sources.write_verilog(tmp_path)
    assert {pathlib.Path(path).stem for path in paths} == {*sources.DESIGN, sources.TEST_BENCH}
    with pytest.raises(AxsimError, match="exists"):
        sources.write_verilog(tmp_path)
    sources.write_verilog(tmp_path, overwrite=True)
    with pytest.raises(HardwareError, match="must be a folder"):
        sources.write_verilog(paths[0])


@pytest.mark.parametrize("size", [3, 17, 8.0])
def test_sizes_of_the_mesh(size):
    with pytest.raises(HardwareError, match="from 4 to 16"):
        Array(size, 20, "wrap")


def test_without_a_simulator(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HardwareError, match=r"iverilog.*apt-get install iverilog"):
        Array(4, 20, "wrap")


@pytest.mark.parametrize("values", [(128, 0), (-1, 0), (10, 6)])
def test_configurations_that_the_register_does_not_hold(values):
    with pytest.raises(MultiplierError, match="must be 0"):
        Configuration(*values).multiplier()


def test_layers_that_the_array_does_not_compute():
    network = network_of(["depthwise", "conv", "matmul"], 5, "symmetric", (4, 6, 5))
    images = np.zeros((1, *network.input_shape[1:], network.input_shape[0]), np.uint8)
    layers = [layer.name for layer in network.layers]
    assert runnable(network) == [name for name in layers if "depthwise" not in name and "matmul" not in name]
    for name, words in (("0_depthwise", "groups"), ("2_matmul", "two activations"), ("nowhere", "got 'nowhere'")):
        with pytest.raises(HardwareError, match=words):
            products_of(network, images, [name])
    assert runnable(network_of(["conv"], 1, "affine")) == []
    assert runnable(network_of(["conv"], 1, "symmetric", rounding="fixed")) == []
