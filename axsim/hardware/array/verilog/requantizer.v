// A sum becomes a code by the float rule of ONNX, bit for bit as axsim computes it:
//
//     code = clamp(round_half_even(float32(total + bias) * multiplier) + zero_point, low, high)
//
// total + bias wraps at 32 bits; its conversion to float32 and the product with the float32 multiplier each round to
// nearest, ties to even. Three enabled cycles.
module requantizer (
    input  wire               clock,
    input  wire               enable,
    input  wire signed [31:0] total,
    input  wire signed [31:0] bias,
    input  wire        [30:0] multiplier,  // float32, positive and normal: exponent and fraction
    input  wire signed [8:0]  zero_point,
    input  wire signed [8:0]  low,
    input  wire signed [8:0]  high,
    output reg         [7:0]  code
);
    // 1. float32(total + bias): sign, and significand 2^(position - 23), the significand's leading one in bit 23.
    wire signed [31:0] biased = total + bias;
    wire [31:0] magnitude = biased[31] ? -biased : biased;

    reg [4:0]  leading;
    reg [31:0] normalized;
    integer step;
    always @* begin
        leading = 5'd0;
        normalized = magnitude;
        for (step = 16; step > 0; step = step / 2)
            if ((normalized >> (32 - step)) == 32'd0) begin
                normalized = normalized << step;
                leading = leading + step[4:0];
            end
    end
    wire        up1 = normalized[7] && (|normalized[6:0] || normalized[8]);
    wire [24:0] rounded1 = {1'b0, normalized[31:8]} + {24'd0, up1};

    reg         sign1, zero1;
    reg  [23:0] significand1;
    reg  [8:0]  exponent1;     // of the value of significand1's lowest bit, times 2^-23 of the multiplier, biased
    reg  [23:0] factor1;
    always @(posedge clock)
        if (enable) begin
            sign1 <= biased[31];
            zero1 <= magnitude == 32'd0;
            significand1 <= rounded1[24] ? rounded1[24:1] : rounded1[23:0];
            exponent1 <= {1'b0, multiplier[30:23]} + 9'd31 - {4'd0, leading} + {8'd0, rounded1[24]};
            factor1 <= {1'b1, multiplier[22:0]};
        end

    // 2. The product, rounded to 24 bits: value significand2 2^(exponent2 - 127 - 23).
    wire [47:0] product = significand1 * factor1;
    wire        carry = product[47];
    wire [23:0] cut = carry ? product[47:24] : product[46:23];
    wire        half = carry ? product[23] : product[22];
    wire        rest = carry ? |product[22:0] : |product[21:0];
    wire [24:0] rounded2 = {1'b0, cut} + {24'd0, half && (rest || cut[0])};

    reg         sign2, zero2;
    reg  [23:0] significand2;
    reg  [8:0]  exponent2;
    always @(posedge clock)
        if (enable) begin
            sign2 <= sign1;
            zero2 <= zero1;
            significand2 <= rounded2[24] ? rounded2[24:1] : rounded2[23:0];
            exponent2 <= exponent1 + {8'd0, carry} + {8'd0, rounded2[24]};
        end

    // 3. To the nearest whole number, ties to even; from 512 on it is outside of any clamp, below 1/4 it is 0.
    wire        huge = exponent2 >= 9'd136;
    wire        tiny = exponent2 < 9'd125;
    wire [8:0]  fraction_bits = 9'd150 - exponent2;  // 15 to 25 where it is neither
    wire [33:0] spread = {significand2, 10'd0} >> (fraction_bits - 9'd15);
    wire [8:0]  whole = spread[33:25];
    wire        up3 = spread[24] && (|spread[23:0] || spread[25]);
    wire        nothing = zero2 || tiny;
    wire signed [10:0] size = nothing ? 11'sd0 : huge ? 11'sd512 : {2'd0, whole} + {10'd0, up3};
    wire signed [10:0] shifted = (sign2 ? -size : size) + {{2{zero_point[8]}}, zero_point};
    wire signed [10:0] least = {{2{low[8]}}, low};
    wire signed [10:0] most = {{2{high[8]}}, high};
    wire signed [10:0] clamped = shifted < least ? least : shifted > most ? most : shifted;
    always @(posedge clock)
        if (enable) code <= clamped[7:0];

    wire unused = &{1'b0, clamped[10:8], step};
endmodule
