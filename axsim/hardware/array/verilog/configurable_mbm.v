// MBM, the minimally biased multiplier, of two bytes in two's complement by sign and magnitude; its error is configured
// at run time, by the correction constant and by how many fraction bits are kept. Bit for bit axsim's family
// mbm_configurable (kernels/multipliers/mbm_configurable.py) with c = correction and t = the number of zeros in kept.
//
// With |w| = 2^k1 (1 + f1), |x| = 2^k2 (1 + f2), each fraction shortened, and C = correction / 128:
//
//     |p| = floor(2^(k1+k2) (1 + f1 + f2 + C))          if f1 + f2 < 1
//           floor(2^(k1+k2+1) (f1 + f2 + C / 2))        otherwise; without C / 2 where it would carry into the next bit
//
// H. Saadat, H. Bokhari, S. Parameswaran, "Minimally Biased Multipliers for Approximate Integer and Floating-Point
// Multiplication", IEEE TCAD 37(11), 2018, doi:10.1109/TCAD.2018.2857262.
module configurable_mbm (
    input  wire signed [7:0]  w,
    input  wire signed [7:0]  x,
    input  wire        [6:0]  correction,  // in units of 1 / 128
    input  wire        [6:0]  kept,        // fraction bits that are kept: ones from the highest bit down
    input  wire        [6:0]  lowest,      // the lowest kept one, which is set to 1; none if all are kept
    output wire signed [16:0] p
);
    wire [7:0] w_magnitude = w[7] ? -w : w;
    wire [7:0] x_magnitude = x[7] ? -x : x;

    wire [2:0] w_position, x_position;
    wire [6:0] w_fraction, x_fraction;
    logarithm w_logarithm (.value(w_magnitude), .position(w_position), .fraction(w_fraction));
    logarithm x_logarithm (.value(x_magnitude), .position(x_position), .fraction(x_fraction));

    wire [7:0] fractions = {1'b0, (w_fraction & kept) | lowest} + {1'b0, (x_fraction & kept) | lowest};
    wire [3:0] exponent = {1'b0, w_position} + {1'b0, x_position};

    // In units of 1 / 128: 128 + fractions below 1, else 2 fractions.
    wire [8:0] mitchell = fractions[7] ? {fractions, 1'b0} : {2'b01, fractions[6:0]};
    wire [9:0] corrected = {1'b0, mitchell} + {3'b0, correction};
    wire [8:0] mantissa = corrected[9] ? mitchell : corrected[8:0];

    wire [22:0] shifted = {14'b0, mantissa} << exponent;
    wire [16:0] magnitude = {1'b0, shifted[22:7]};
    wire        zero = ~(|w) | ~(|x);
    assign p = zero ? 17'sd0 : (w[7] ^ x[7]) ? -magnitude : magnitude;

    wire unused = &{1'b0, shifted[6:0]};
endmodule
