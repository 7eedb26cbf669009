// Mitchell's logarithm of a byte: log2(value) ~ position + fraction / 128, with the position of the leading one and the
// seven bits behind it. Of 0 it is that of 1 with the fraction 0: whoever uses it looks for 0 himself.
module logarithm (
    input  wire [7:0] value,
    output reg  [2:0] position,
    output reg  [6:0] fraction
);
    always @* begin
        casez (value)
            8'b1???????: begin position = 3'd7; fraction = value[6:0]; end
            8'b01??????: begin position = 3'd6; fraction = {value[5:0], 1'b0}; end
            8'b001?????: begin position = 3'd5; fraction = {value[4:0], 2'b0}; end
            8'b0001????: begin position = 3'd4; fraction = {value[3:0], 3'b0}; end
            8'b00001???: begin position = 3'd3; fraction = {value[2:0], 4'b0}; end
            8'b000001??: begin position = 3'd2; fraction = {value[1:0], 5'b0}; end
            8'b0000001?: begin position = 3'd1; fraction = {value[0], 6'b0}; end
            default:     begin position = 3'd0; fraction = 7'd0; end
        endcase
    end
endmodule
