// SIZE x SIZE processing elements. Row r takes activation r; column c adds up one output channel, from top to bottom.
//
// All edges are skewed: row r is r cycles behind row 0, column c is c cycles behind column 0.
module mesh #(
    parameter SIZE = 16,
    parameter SUM_BITS = 20,
    parameter SATURATE = 0
) (
    input  wire                     clock,
    input  wire                     enable,
    input  wire [6:0]               correction,
    input  wire [6:0]               kept,
    input  wire [6:0]               lowest,
    input  wire [SIZE-1:0]          load,        // by column: shift its weights down by one row
    input  wire [8*SIZE-1:0]        weights,     // by column
    input  wire [SIZE-1:0]          start,       // by row
    input  wire [8*SIZE-1:0]        activations, // by row
    input  wire [SUM_BITS*SIZE-1:0] sums_in,     // by column
    output wire [SUM_BITS*SIZE-1:0] sums
);
    // Of cell (r, c): what it takes from above has the index r SIZE + c, what it takes from the left r (SIZE + 1) + c.
    wire signed [7:0]          weight [0:SIZE*(SIZE+1)-1];
    wire signed [SUM_BITS-1:0] sum    [0:SIZE*(SIZE+1)-1];
    wire signed [7:0]          x      [0:SIZE*(SIZE+1)-1];
    wire                       begins [0:SIZE*(SIZE+1)-1];

    genvar r, c;
    generate
        for (c = 0; c < SIZE; c = c + 1) begin : edges
            assign weight[c] = weights[8*c +: 8];
            assign sum[c] = sums_in[SUM_BITS*c +: SUM_BITS];
            assign sums[SUM_BITS*c +: SUM_BITS] = sum[SIZE*SIZE+c];
            assign x[c*(SIZE+1)] = activations[8*c +: 8];
            assign begins[c*(SIZE+1)] = start[c];
            wire unused = &{1'b0, weight[SIZE*SIZE+c], x[c*(SIZE+1)+SIZE], begins[c*(SIZE+1)+SIZE]};
        end
        for (r = 0; r < SIZE; r = r + 1) begin : row
            for (c = 0; c < SIZE; c = c + 1) begin : column
                processing_element #(.SUM_BITS(SUM_BITS), .SATURATE(SATURATE)) cell_ (
                    .clock(clock), .enable(enable),
                    .correction(correction), .kept(kept), .lowest(lowest),
                    .load(load[c]), .weight_above(weight[r*SIZE+c]), .waiting(weight[(r+1)*SIZE+c]),
                    .start_left(begins[r*(SIZE+1)+c]), .start(begins[r*(SIZE+1)+c+1]),
                    .x_left(x[r*(SIZE+1)+c]), .x(x[r*(SIZE+1)+c+1]),
                    .sum_above(sum[r*SIZE+c]), .sum(sum[(r+1)*SIZE+c])
                );
            end
        end
    endgenerate
endmodule
