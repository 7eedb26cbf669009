// Memory of the sums of DEPTH pixels by SIZE output channels, 32 bits each, to which tiles of the same pixels add theirs.
//
// The first tile of a sum (`clear`) starts it, the last one (`emit`) hands it on, two enabled cycles behind the array.
// A pixel's place in the memory is its place in the tile, counted from `start`.
module accumulator #(
    parameter SIZE = 16,
    parameter SUM_BITS = 20,
    parameter ADDRESS_BITS = 10  // DEPTH = 2^ADDRESS_BITS pixels a tile at most
) (
    input  wire                     clock,
    input  wire                     reset,
    input  wire                     enable,
    input  wire                     valid,
    input  wire                     start,
    input  wire                     clear,
    input  wire                     emit,
    input  wire [SUM_BITS*SIZE-1:0] sums,
    output reg                      totals_valid,
    output reg  [32*SIZE-1:0]       totals
);
    reg [ADDRESS_BITS-1:0] following;
    wire [ADDRESS_BITS-1:0] address = start ? {ADDRESS_BITS{1'b0}} : following;

    // A cycle for reading, a cycle for adding and writing. Two tiles' words of one address are 2 SIZE - 1 cycles apart.
    reg                     adding, adding_clear, adding_emit;
    reg [ADDRESS_BITS-1:0]  adding_address;
    reg [SUM_BITS*SIZE-1:0] adding_sums;
    reg [32*SIZE-1:0]       held;
    reg [32*SIZE-1:0]       memory [0:(1 << ADDRESS_BITS)-1];
    wire [32*SIZE-1:0]      next;

    genvar i;
    generate
        for (i = 0; i < SIZE; i = i + 1) begin : lane
            wire signed [SUM_BITS-1:0] sum = adding_sums[SUM_BITS*i +: SUM_BITS];
            wire [31:0] extended;
            if (SUM_BITS < 32) begin : narrow
                assign extended = {{(32-SUM_BITS){sum[SUM_BITS-1]}}, sum};
            end else begin : whole
                assign extended = sum;
            end
            assign next[32*i +: 32] = (adding_clear ? 32'd0 : held[32*i +: 32]) + extended;
        end
    endgenerate

    always @(posedge clock)
        if (enable) begin
            held <= memory[address];
            if (adding) memory[adding_address] <= next;
        end
    always @(posedge clock)
        if (reset) begin
            following <= {ADDRESS_BITS{1'b0}};
            adding <= 1'b0;
            totals_valid <= 1'b0;
        end else if (enable) begin
            if (valid) following <= address + 1'b1;
            adding <= valid;
            totals_valid <= adding && adding_emit;
        end
    always @(posedge clock)
        if (enable) begin
            adding_clear <= clear;
            adding_emit <= emit;
            adding_address <= address;
            adding_sums <= sums;
            totals <= next;
        end
endmodule
