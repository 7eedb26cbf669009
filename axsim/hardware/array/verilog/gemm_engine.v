// A weight-stationary matrix engine with an error-configurable multiplier in every cell: codes = requantize(W X).
//
// systolic_array gives the partial sums of SIZE taps, accumulator adds those of all tiles of a sum in 32 bits, and a
// requantizer for each output channel makes codes of them. Where codes are not taken, everything stands still.
//
// With the activations come `sums_in`, what the array's sums start from (0 where the accumulator adds tiles up), `clear`
// and `emit`, of all vectors of a tile: whether it is the first and the last of its sums. `bias` and `multiplier` of a
// sum are read two enabled cycles behind the one in which its last partial sum shows at `sums`.
module gemm_engine #(
    parameter SIZE = 16,         // 4 to 16
    parameter SUM_BITS = 20,     // 8 to 32
    parameter SATURATE = 0,
    parameter ADDRESS_BITS = 10  // 2^ADDRESS_BITS pixels a tile at most
) (
    input  wire                     clock,
    input  wire                     reset,
    input  wire                     configure,
    input  wire [6:0]               correction,
    input  wire [2:0]               cut,
    input  wire                     weights_valid,
    output wire                     weights_ready,
    input  wire [8*SIZE-1:0]        weights,
    input  wire                     activations_valid,
    output wire                     activations_ready,
    input  wire                     activations_start,
    input  wire                     activations_clear,
    input  wire                     activations_emit,
    input  wire [8*SIZE-1:0]        activations,
    input  wire [SUM_BITS*SIZE-1:0] sums_in,
    output wire                     sums_valid,   // with sums, to be watched: a partial sum leaves the array
    output wire                     sums_start,
    output wire                     sums_emit,
    output wire [SUM_BITS*SIZE-1:0] sums,
    input  wire [32*SIZE-1:0]       bias,
    input  wire [31*SIZE-1:0]       multiplier,
    input  wire signed [8:0]        zero_point,
    input  wire signed [8:0]        low,
    input  wire signed [8:0]        high,
    output wire                     codes_valid,
    input  wire                     codes_ready,
    output wire [8*SIZE-1:0]        codes
);
    wire enable = codes_ready || !codes_valid;

    wire [6:0] correction_held, kept, lowest;
    configuration register (
        .clock(clock), .reset(reset), .write(configure), .correction_data(correction), .cut_data(cut),
        .correction(correction_held), .kept(kept), .lowest(lowest)
    );

    wire weights_free, activations_free, array_valid;
    assign weights_ready = enable && weights_free;
    assign activations_ready = enable && activations_free;
    systolic_array #(.SIZE(SIZE), .SUM_BITS(SUM_BITS), .SATURATE(SATURATE)) array (
        .clock(clock), .reset(reset), .enable(enable),
        .correction(correction_held), .kept(kept), .lowest(lowest),
        .weights_valid(weights_valid), .weights_ready(weights_free), .weights(weights),
        .activations_valid(activations_valid), .activations_ready(activations_free),
        .activations_start(activations_start), .activations(activations), .sums_in(sums_in),
        .sums_valid(array_valid), .sums_start(sums_start), .sums(sums)
    );
    assign sums_valid = enable && array_valid;

    wire sums_clear;
    delay #(.BITS(2), .CYCLES(2*SIZE-1)) of_flags (
        .clock(clock), .reset(reset), .enable(enable),
        .in({activations_clear, activations_emit}), .out({sums_clear, sums_emit})
    );

    wire               totals_valid;
    wire [32*SIZE-1:0] totals;
    accumulator #(.SIZE(SIZE), .SUM_BITS(SUM_BITS), .ADDRESS_BITS(ADDRESS_BITS)) totalizer (
        .clock(clock), .reset(reset), .enable(enable),
        .valid(array_valid), .start(sums_start), .clear(sums_clear), .emit(sums_emit), .sums(sums),
        .totals_valid(totals_valid), .totals(totals)
    );

    genvar i;
    generate
        for (i = 0; i < SIZE; i = i + 1) begin : lane
            requantizer stage (
                .clock(clock), .enable(enable),
                .total(totals[32*i +: 32]), .bias(bias[32*i +: 32]), .multiplier(multiplier[31*i +: 31]),
                .zero_point(zero_point), .low(low), .high(high), .code(codes[8*i +: 8])
            );
        end
    endgenerate
    delay #(.BITS(1), .CYCLES(3), .CLEARED(1)) of_codes (
        .clock(clock), .reset(reset), .enable(enable), .in(totals_valid), .out(codes_valid)
    );
endmodule
