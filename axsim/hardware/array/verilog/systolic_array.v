// The mesh with what straightens its skewed edges, and the control of its weights.
//
// A tile is SIZE rows of weights, then any number of vectors of SIZE activations, the first with `start`. Rows of
// weights come from the last to the first: they shift down. Both streams have a valid and a ready; a word goes over in
// an enabled cycle in which both are 1. The rows of the next tile may come while this one is computed: from SIZE - 1
// cycles after its start on. A vector's sums come 2 SIZE - 1 enabled cycles behind it:
//
//     sums[c] = (..((sums_in[c] + p(w[0][c], x[0])) + p(w[1][c], x[1])) + ..) + p(w[SIZE-1][c], x[SIZE-1])
//
// each addition in SUM_BITS bits. Loading takes SIZE cycles, so that tiles of N vectors follow each other every
// max(N, 2 SIZE - 1) cycles.
module systolic_array #(
    parameter SIZE = 16,      // 4 to 16
    parameter SUM_BITS = 20,
    parameter SATURATE = 0
) (
    input  wire                     clock,
    input  wire                     reset,
    input  wire                     enable,
    input  wire [6:0]               correction,
    input  wire [6:0]               kept,
    input  wire [6:0]               lowest,
    input  wire                     weights_valid,
    output wire                     weights_ready,
    input  wire [8*SIZE-1:0]        weights,           // of one tap, by output channel
    input  wire                     activations_valid,
    output wire                     activations_ready,
    input  wire                     activations_start,
    input  wire [8*SIZE-1:0]        activations,       // of one pixel, by tap
    input  wire [SUM_BITS*SIZE-1:0] sums_in,           // with the activations, by output channel
    output wire                     sums_valid,
    output wire                     sums_start,
    output wire [SUM_BITS*SIZE-1:0] sums
);
    localparam [31:0] COUNT = SIZE;
    localparam [4:0] ROWS = COUNT[4:0];
    localparam [4:0] UNTIL_FREE = ROWS - 5'd2;

    reg [4:0] rows_waiting;  // rows of the next tile that are in
    reg [4:0] until_free;    // cycles until all cells of column 0 have taken their waiting weight
    wire complete = rows_waiting == ROWS;
    assign weights_ready = !complete && until_free == 5'd0;
    assign activations_ready = !activations_start || complete;
    wire load = weights_valid && weights_ready;
    wire taken = activations_valid && activations_ready;
    wire start = taken && activations_start;

    always @(posedge clock)
        if (reset) begin
            rows_waiting <= 5'd0;
            until_free <= 5'd0;
        end else if (enable) begin
            if (start) begin
                rows_waiting <= 5'd0;
                until_free <= UNTIL_FREE;
            end else begin
                if (load) rows_waiting <= rows_waiting + 5'd1;
                if (until_free != 5'd0) until_free <= until_free - 5'd1;
            end
        end

    wire [SIZE-1:0]          skewed_load, skewed_start;
    wire [8*SIZE-1:0]        skewed_weights, skewed_activations;
    wire [SUM_BITS*SIZE-1:0] skewed_sums_in, skewed_sums;
    mesh #(.SIZE(SIZE), .SUM_BITS(SUM_BITS), .SATURATE(SATURATE)) cells (
        .clock(clock), .enable(enable),
        .correction(correction), .kept(kept), .lowest(lowest),
        .load(skewed_load), .weights(skewed_weights),
        .start(skewed_start), .activations(skewed_activations),
        .sums_in(skewed_sums_in), .sums(skewed_sums)
    );

    genvar i;
    generate
        for (i = 0; i < SIZE; i = i + 1) begin : lane
            delay #(.BITS(1), .CYCLES(i), .CLEARED(1)) of_load (
                .clock(clock), .reset(reset), .enable(enable), .in(load), .out(skewed_load[i])
            );
            delay #(.BITS(8), .CYCLES(i)) of_weight (
                .clock(clock), .reset(reset), .enable(enable),
                .in(weights[8*i +: 8]), .out(skewed_weights[8*i +: 8])
            );
            delay #(.BITS(1), .CYCLES(i), .CLEARED(1)) of_start (
                .clock(clock), .reset(reset), .enable(enable), .in(start), .out(skewed_start[i])
            );
            delay #(.BITS(8), .CYCLES(i)) of_activation (
                .clock(clock), .reset(reset), .enable(enable),
                .in(activations[8*i +: 8]), .out(skewed_activations[8*i +: 8])
            );
            delay #(.BITS(SUM_BITS), .CYCLES(i)) of_sum_in (
                .clock(clock), .reset(reset), .enable(enable),
                .in(sums_in[SUM_BITS*i +: SUM_BITS]), .out(skewed_sums_in[SUM_BITS*i +: SUM_BITS])
            );
            delay #(.BITS(SUM_BITS), .CYCLES(SIZE-1-i)) of_sum (
                .clock(clock), .reset(reset), .enable(enable),
                .in(skewed_sums[SUM_BITS*i +: SUM_BITS]), .out(sums[SUM_BITS*i +: SUM_BITS])
            );
        end
    endgenerate
    delay #(.BITS(2), .CYCLES(2*SIZE-1), .CLEARED(1)) of_flags (
        .clock(clock), .reset(reset), .enable(enable), .in({taken, start}), .out({sums_valid, sums_start})
    );
endmodule
