// A shift register: what comes in goes out CYCLES enabled clock cycles later; at once where CYCLES is 0.
module delay #(
    parameter BITS = 1,
    parameter CYCLES = 1,
    parameter CLEARED = 0  // 1: reset fills it with zeros; 0: reset is not looked at
) (
    input  wire            clock,
    input  wire            reset,
    input  wire            enable,
    input  wire [BITS-1:0] in,
    output wire [BITS-1:0] out
);
    generate
        if (CYCLES == 0) begin : wires
            assign out = in;
            wire unused = &{1'b0, clock, reset, enable};
        end else begin : registers
            reg  [BITS*CYCLES-1:0] held;
            wire [BITS*CYCLES-1:0] next;
            if (CYCLES == 1) begin : one
                assign next = in;
            end else begin : several
                assign next = {held[BITS*(CYCLES-1)-1:0], in};
            end
            always @(posedge clock)
                if (CLEARED != 0 && reset) held <= {BITS*CYCLES{1'b0}};
                else if (enable) held <= next;
            assign out = held[BITS*CYCLES-1:BITS*(CYCLES-1)];
            if (CLEARED == 0) begin : no_reset
                wire unused = &{1'b0, reset};
            end
        end
    endgenerate
endmodule
