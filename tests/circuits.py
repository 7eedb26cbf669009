"""Small circuits of our own, each written as C, as Verilog and as the table it must give.

An `Array` is a list of gates, rendered in the style of EvoApproxLib: one assignment a gate. Its table is counted here
from the gates, one bit at a time. The Booth multiplier is written out by hand in each language.
"""

import dataclasses

import numpy as np

SYMBOLS = {"and": "&", "or": "|", "xor": "^"}


@dataclasses.dataclass
class Array:
    """Gates (name, operation, left, right) over the bits a0..a7, b0..b7 and zero, one; and the product's bits."""

    signed: bool
    gates: list
    product: list

    @property
    def operands(self):
        return ("s8", "s8") if self.signed else ("u8", "u8")

    def table(self):
        patterns = np.arange(256)
        nets = {"zero": np.zeros((256, 256), np.int64), "one": np.ones((256, 256), np.int64)}
        for i in range(8):
            nets[f"a{i}"] = np.broadcast_to((patterns[:, None] >> i) & 1, (256, 256))
            nets[f"b{i}"] = np.broadcast_to((patterns[None, :] >> i) & 1, (256, 256))
        for name, operation, left, right in self.gates:
            function = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}[operation]
            nets[name] = function(nets[left], nets[right])
        total = sum(nets[bit].astype(np.int64) << i for i, bit in enumerate(self.product))
        return np.where(total >= 2**15, total - 2**16, total) if self.signed else total

    def c(self, name="mine", first="A", second="B", wide=False):
        operand = "uint64_t" if wide else "int8_t" if self.signed else "uint8_t"
        result = "uint64_t" if wide else "int16_t" if self.signed else "uint16_t"

        def read(net):
            if net in ("zero", "one"):
                return "0" if net == "zero" else "1"
            return f"(({net[0].upper()} >> {net[1]}) & 1)" if net[0] in "ab" and net[1:].isdigit() else net

        lines = [f"  uint8_t {', '.join(gate[0] for gate in self.gates)};", f"  {result} O = 0;"]
        lines += [f"  {n} = {read(left)} {SYMBOLS[op]} {read(right)};" for n, op, left, right in self.gates]
        lines += [f"  O |= ({result})({read(bit)} & 1) << {i};" for i, bit in enumerate(self.product)]
        body = "\n".join(lines)
        return (
            "#include <stdint.h>\n/* ours */\n"
            f"{result} {name}({operand} {first}, const {operand} {second})\n{{\n{body}\n  return O;\n}}\n"
        )

    def verilog(self, name="mine", first="A", second="B", declare_signed=False):
        sign = "signed " if declare_signed else ""

        def read(net):
            if net in ("zero", "one"):
                return "1'b0" if net == "zero" else "1'b1"
            return f"{net[0].upper()}[{net[1]}]" if net[0] in "ab" and net[1:].isdigit() else net

        lines = [f"  wire {', '.join(gate[0] for gate in self.gates)};"]
        lines += [f"  assign {n} = {read(left)} {SYMBOLS[op]} {read(right)};" for n, op, left, right in self.gates]
        lines.append(f"  assign O = {{{', '.join(read(bit) for bit in reversed(self.product))}}};")
        ports = f"input {sign}[7:0] {first}, input {sign}[7:0] {second}, output {sign}[15:0] O"
        return f"// ours\nmodule {name} ({ports});\n" + "\n".join(lines) + "\nendmodule\n"


def array_multiplier(signed=False, rows=0, columns=0, lossy=0):
    """
    Build an array of ripple-carry adders without the first `rows` of operand a and the first `columns`.

    The `lossy` low columns are added without carries, by OR: with rows cut, it does not commute. A signed array is
    Baugh and Wooley's: the products of one sign bit inverted, and 1 added in columns 8 and 15.
    """
    gates = []

    def gate(operation, left, right):
        gates.append((f"n{len(gates)}", operation, left, right))
        return gates[-1][0]

    bits = [[] for _ in range(17)]
    for i in range(rows, 8):
        for j in range(8):
            if i + j >= columns:
                partial = gate("and", f"a{i}", f"b{j}")
                inverted = signed and (i == 7) != (j == 7)
                bits[i + j].append(gate("xor", partial, "one") if inverted else partial)
    if signed:
        bits[8].append("one")
        bits[15].append("one")
    product = []
    for column in range(16):
        while len(bits[column]) > 1:
            left, right = bits[column].pop(), bits[column].pop()
            if column < lossy:
                bits[column].append(gate("or", left, right))
            else:
                bits[column].append(gate("xor", left, right))
                bits[column + 1].append(gate("and", left, right))
        product.append(bits[column][0] if bits[column] else "zero")
    return Array(signed, gates, product)


ARRAYS = {
    "exact": array_multiplier(),
    "cut columns": array_multiplier(columns=5),
    "cut rows": array_multiplier(rows=2, columns=3),
    "lossy": array_multiplier(rows=1, lossy=6),
    "signed exact": array_multiplier(signed=True),
    "signed cut": array_multiplier(signed=True, columns=4),
    "signed lossy rows": array_multiplier(signed=True, rows=1, lossy=4),
}


def booth_digit(b, group):
    low = (b >> (2 * group - 1)) & 1 if group else 0
    return -2 * ((b >> (2 * group + 1)) & 1) + ((b >> (2 * group)) & 1) + low


def booth(a, b):
    """Radix-4 Booth product of two integers; in the lowest group a negative multiple lacks its carry: ~m for -m."""
    total = 0
    for group in range(4):
        digit = booth_digit(b & 255, group)
        multiple = a * abs(digit)
        if digit < 0:
            multiple = ~multiple if group == 0 else -multiple
        total += multiple << (2 * group)
    return total


BOOTH_C = """
// radix-4 Booth, lowest group by one's complement
#include <stdint.h>

static int16_t multiple(int16_t a, uint8_t bits, int exact)
{
    int16_t m = 0;
    int magnitude = bits == 1 || bits == 2 || bits == 5 || bits == 6 ? 1 : (bits == 3 || bits == 4 ? 2 : 0);
    if (magnitude == 1) m = a;
    else if (magnitude == 2) m = a * 2;
    if (bits >= 4 && bits != 7) { if (exact) return -m; return ~m; }
    return m;
}

int16_t booth(int8_t multiplicand, int8_t multiplier)
{
    uint16_t b = (uint16_t)((uint8_t)multiplier << 1);
    int16_t sum = multiple(multiplicand, b & 7, 0);
    sum += multiple(multiplicand, (b >> 2) & 7, 1) * 4;
    sum += multiple(multiplicand, (b >> 4) & 7, 1) * 16;
    sum += multiple(multiplicand, (b >> 6) & 7, 1) * 64;
    return sum;
}
"""

BOOTH_VERILOG = """
`timescale 1ns/1ps
`define GROUPS 4
module multiple #(parameter EXACT = 1) (input signed [7:0] a, input [2:0] bits, output reg signed [15:0] m);
  reg signed [15:0] once;
  always @* begin
    case (bits)
      3'd0, 3'd7: once = 0;
      3'd1, 3'd2, 3'd5, 3'd6: once = a;
      default: once = a <<< 1;
    endcase
    m = (bits[2] && bits != 3'd7) ? (EXACT ? -once : ~once) : once;
  end
endmodule
module booth (input signed [7:0] multiplicand, input signed [7:0] multiplier, output signed [15:0] product);
  wire [8:0] b = {multiplier, 1'b0};
  wire signed [15:0] m [0:`GROUPS-1];
  genvar g;
  generate for (g = 0; g < `GROUPS; g = g + 1) begin : group
    multiple #(.EXACT(g != 0)) one (.a(multiplicand), .bits(b[2*g+2:2*g]), .m(m[g]));
  end endgenerate
  assign product = m[0] + (m[1] <<< 2) + (m[2] <<< 4) + (m[3] <<< 6);
endmodule
"""


def booth_table():
    values = np.arange(256, dtype=np.uint8).view(np.int8)
    return np.array([[booth(int(a), int(b)) for b in values] for a in values])
