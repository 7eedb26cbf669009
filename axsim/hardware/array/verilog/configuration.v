// The register that sets the error of all multipliers, and its decoder. To be written while no tile is on its way.
module configuration (
    input  wire       clock,
    input  wire       reset,       // to MBM as published: correction 10 / 128, all fraction bits kept
    input  wire       write,
    input  wire [6:0] correction_data,
    input  wire [2:0] cut_data,    // fraction bits cut, 0 to 5
    output reg  [6:0] correction,
    output wire [6:0] kept,
    output wire [6:0] lowest
);
    reg [2:0] cut;
    always @(posedge clock)
        if (reset) begin
            correction <= 7'd10;
            cut <= 3'd0;
        end else if (write) begin
            correction <= correction_data;
            cut <= cut_data;
        end
    assign kept = 7'h7f << cut;
    assign lowest = (cut == 3'd0) ? 7'd0 : 7'd1 << cut;
endmodule
