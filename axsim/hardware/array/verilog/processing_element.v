// One cell of the mesh: a weight that stays, a multiplier, and an adder of SUM_BITS bits that saturates or wraps.
//
// Activations go from left to right, sums from top to bottom, a cell a cycle. The weights of the next tile shift down
// the column, through `waiting`, while the cell works; `start`, which comes with the first activation of a tile, makes
// the waiting weight the active one, from that activation on.
module processing_element #(
    parameter SUM_BITS = 20,  // 8 to 32, two's complement
    parameter SATURATE = 0    // 1: a sum that does not fit becomes the nearest that does; 0: it wraps
) (
    input  wire                       clock,
    input  wire                       enable,
    input  wire        [6:0]          correction,
    input  wire        [6:0]          kept,
    input  wire        [6:0]          lowest,
    input  wire                       load,
    input  wire signed [7:0]          weight_above,
    output reg  signed [7:0]          waiting,
    input  wire                       start_left,
    input  wire signed [7:0]          x_left,
    output reg                        start,
    output reg  signed [7:0]          x,
    input  wire signed [SUM_BITS-1:0] sum_above,
    output reg  signed [SUM_BITS-1:0] sum
);
    localparam WIDE = (SUM_BITS > 17 ? SUM_BITS : 17) + 1;

    reg  signed [7:0]  active;
    wire signed [7:0]  weight = start_left ? waiting : active;
    wire signed [16:0] product;
    configurable_mbm multiplier (
        .w(weight), .x(x_left), .correction(correction), .kept(kept), .lowest(lowest), .p(product)
    );

    wire signed [WIDE-1:0] total = {{(WIDE-SUM_BITS){sum_above[SUM_BITS-1]}}, sum_above}
                                 + {{(WIDE-17){product[16]}}, product};
    wire sign = total[WIDE-1];
    wire fits = total[WIDE-1:SUM_BITS-1] == {(WIDE-SUM_BITS+1){sign}};
    wire [SUM_BITS-1:0] next = (SATURATE == 0 || fits) ? total[SUM_BITS-1:0] : {sign, {(SUM_BITS-1){~sign}}};

    always @(posedge clock)
        if (enable) begin
            start <= start_left;
            x <= x_left;
            active <= weight;
            sum <= next;
            if (load) waiting <= weight_above;
        end
endmodule
