"""The self-checking test bench: plain Verilog-2001 beside a design and its file of vectors, for any simulator.

It prints the first pairs that differ and one last line, PASS or FAIL, and stops with $stop where it fails: `vvp -N`
turns that into an exit code.
"""

from .design import Design
from .vectors import Vectors, field_shifts, vector_bits

SHOWN = 10  # differing pairs that it prints


def test_bench(design: Design, vectors: Vectors) -> str:
    """Verilog of the test bench NAME_test_bench, which reads NAME_vectors.hex where it runs."""
    top, width, bits = design.top, design.width, design.product_width
    fields = (("w", width, design.w_signed), ("x", width, design.x_signed), ("expected", bits, design.signed))
    declared = "\n".join(f"    reg {_signed(signed)}[{n - 1}:0] {name};" for name, n, signed in fields)
    taken = "\n".join(
        f"            {name} = vector[{shift + n - 1}:{shift}];"
        for (name, n, _), shift in zip(fields, field_shifts(design), strict=True)
    )
    pairs = "all operand pairs" if vectors.seed is None else f"a sample of operand pairs, seed {vectors.seed}"
    return f"""\
// Self-checking test bench of {top} ({design.title}), on {pairs}.
// Products by the bit-accurate software model. Any simulator will do; with Icarus Verilog:
//     iverilog -g2001 -Wall -o {top}_test {top}.v {top}_test_bench.v && vvp -N {top}_test
module {top}_test_bench;
    localparam PAIRS = {len(vectors)};

{declared}
    wire {_signed(design.signed)}[{bits - 1}:0] p;
    reg [{vector_bits(design) - 1}:0] vectors [0:PAIRS-1];
    reg [{vector_bits(design) - 1}:0] vector;
    integer index, differing;

    {top} multiplier (.w(w), .x(x), .p(p));

    initial begin
        $readmemh("{top}_vectors.hex", vectors);
        differing = 0;
        for (index = 0; index < PAIRS; index = index + 1) begin
            vector = vectors[index];
            if (^vector === 1'bx) begin
                $display("FAIL: {top}_vectors.hex is missing, or shorter than %0d vectors", PAIRS);
                $stop;
            end
{taken}
            #1;
            if (p !== expected) begin
                if (differing < {SHOWN})
                    $display("DIFFERS w=%0d x=%0d p=%0d expected=%0d", w, x, p, expected);
                differing = differing + 1;
            end
        end
        if (differing == 0) begin
            $display("PASS: %0d pairs equal", PAIRS);
            $finish;
        end else begin
            $display("FAIL: %0d of %0d pairs differ", differing, PAIRS);
            $stop;
        end
    end
endmodule
"""


def _signed(signed: bool) -> str:
    return "signed " if signed else ""
