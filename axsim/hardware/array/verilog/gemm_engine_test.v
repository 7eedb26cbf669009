// Test bench of gemm_engine: streams of tiles from files, every partial sum and every code compared with what is expected.
//
// The files hold a hexadecimal word a line, element 0 of a vector in its lowest bits; `axsim casestudy --rtl` writes some:
//
//     weights.hex      a row of weights; the rows of a tile from the last to the first, tile after tile
//     activations.hex  activations, above them 4 bits: 1 start, 2 clear, 4 emit
//     sums_in.hex      that come with the activations
//     sums.hex         the partial sums that must leave the array
//     bias.hex, multiplier.hex   of each tile with emit
//     codes.hex        the codes that must come out
//
// +rows=N +vectors=N +emits=N +codes=N: how many lines of weights, of activations, of constants and of codes.
// +correction=C +cut=T: the multipliers' configuration. +zero_point=Z +low=L +high=H: of the codes. +bubbles=P: each
// stream pauses in P % of the cycles, and codes are not taken in as many; +seed=S. +reset_at=N: a reset in cycle N, after
// which all streams begin anew. +limit=N: gives up in cycle N. Prints counts, the cycles from the first row of weights to
// the last partial sum, and PASS or FAIL.
module gemm_engine_test;
    parameter SIZE = 16;
    parameter SUM_BITS = 20;
    parameter SATURATE = 0;
    parameter ADDRESS_BITS = 10;
    parameter LINES = 65536;  // of a file at most

    reg [8*SIZE-1:0]        all_weights     [0:LINES-1];
    reg [8*SIZE+3:0]        all_activations [0:LINES-1];
    reg [SUM_BITS*SIZE-1:0] all_sums_in     [0:LINES-1];
    reg [SUM_BITS*SIZE-1:0] all_sums        [0:LINES-1];
    reg [32*SIZE-1:0]       all_bias        [0:LINES-1];
    reg [31*SIZE-1:0]       all_multiplier  [0:LINES-1];
    reg [8*SIZE-1:0]        all_codes       [0:LINES-1];
    integer rows, vectors, emits, wanted_codes, bubbles, seed, reset_at, limit, argument;

    // Words that are shown or compared next, and counts of what was seen.
    integer row, vector, constants, sums_seen, codes_seen, wrong_sums, wrong_codes;
    integer cycle, first_cycle, last_cycle, quiet;

    reg                     clock, reset, configure, weights_valid, activations_valid, codes_ready, change;
    reg [6:0]               correction;
    reg [2:0]               cut;
    reg [8*SIZE-1:0]        weights, activations;
    reg [3:0]               flags;
    reg [SUM_BITS*SIZE-1:0] sums_in;
    reg [32*SIZE-1:0]       bias;
    reg [31*SIZE-1:0]       multiplier;
    reg signed [8:0]        zero_point, low, high;
    wire                     weights_ready, activations_ready, sums_valid, sums_start, sums_emit, codes_valid;
    wire [SUM_BITS*SIZE-1:0] sums;
    wire [8*SIZE-1:0]        codes;

    gemm_engine #(
        .SIZE(SIZE), .SUM_BITS(SUM_BITS), .SATURATE(SATURATE), .ADDRESS_BITS(ADDRESS_BITS)
    ) engine (
        .clock(clock), .reset(reset), .configure(configure), .correction(correction), .cut(cut),
        .weights_valid(weights_valid), .weights_ready(weights_ready), .weights(weights),
        .activations_valid(activations_valid), .activations_ready(activations_ready),
        .activations_start(flags[0]), .activations_clear(flags[1]), .activations_emit(flags[2]),
        .activations(activations), .sums_in(sums_in),
        .sums_valid(sums_valid), .sums_start(sums_start), .sums_emit(sums_emit), .sums(sums),
        .bias(bias), .multiplier(multiplier), .zero_point(zero_point), .low(low), .high(high),
        .codes_valid(codes_valid), .codes_ready(codes_ready), .codes(codes)
    );

    // 1 in `bubbles` % of the calls.
    function pause;
        input unused;
        begin
            seed = seed * 1103515245 + 12345;
            pause = (seed >> 16 & 32767) % 100 < bubbles;
        end
    endfunction

    initial begin
        if (!$value$plusargs("rows=%d", rows)) rows = 0;
        if (!$value$plusargs("vectors=%d", vectors)) vectors = 0;
        if (!$value$plusargs("emits=%d", emits)) emits = 0;
        if (!$value$plusargs("codes=%d", wanted_codes)) wanted_codes = 0;
        if (!$value$plusargs("bubbles=%d", bubbles)) bubbles = 0;
        if (!$value$plusargs("seed=%d", seed)) seed = 1;
        if (!$value$plusargs("reset_at=%d", reset_at)) reset_at = -1;
        if (!$value$plusargs("limit=%d", limit)) limit = 2147483647;
        if (!$value$plusargs("correction=%d", argument)) argument = 10;
        correction = argument[6:0];
        if (!$value$plusargs("cut=%d", argument)) argument = 0;
        cut = argument[2:0];
        if (!$value$plusargs("zero_point=%d", argument)) argument = 0;
        zero_point = argument[8:0];
        if (!$value$plusargs("low=%d", argument)) argument = -128;
        low = argument[8:0];
        if (!$value$plusargs("high=%d", argument)) argument = 127;
        high = argument[8:0];
        $readmemh("weights.hex", all_weights, 0, rows - 1);
        $readmemh("activations.hex", all_activations, 0, vectors - 1);
        $readmemh("sums_in.hex", all_sums_in, 0, vectors - 1);
        $readmemh("sums.hex", all_sums, 0, vectors - 1);
        $readmemh("bias.hex", all_bias, 0, emits - 1);
        $readmemh("multiplier.hex", all_multiplier, 0, emits - 1);
        $readmemh("codes.hex", all_codes, 0, wanted_codes - 1);
        clock = 1'b0;
        reset = 1'b1;
        {configure, weights_valid, activations_valid, codes_ready, change} = 5'd0;
        {bias, multiplier} = {63*SIZE{1'b0}};
        row = 0;
        vector = 0;
        wrong_sums = 0;
        wrong_codes = 0;
        cycle = 0;
        quiet = 0;
        first_cycle = 0;
        last_cycle = 0;
    end
    always #1 clock = !clock;

    always @(posedge clock) begin
        cycle = cycle + 1;
        if (reset) begin
            {row, vector, constants, sums_seen, codes_seen, quiet} = {6{32'd0}};
            first_cycle = -1;
            reset <= 1'b0;
            configure <= 1'b1;
            change <= 1'b0;
            weights_valid <= 1'b0;
            activations_valid <= 1'b0;
            codes_ready <= 1'b1;
        end else begin
            configure <= 1'b0;
            // A word that was not taken stays; a pause comes before a word is shown.
            if (weights_valid && weights_ready) begin
                if (first_cycle < 0) first_cycle = cycle;
                row = row + 1;
            end
            if (activations_valid && activations_ready) vector = vector + 1;
            weights_valid <= row < rows && ((weights_valid && !weights_ready) || !pause(1'b0));
            activations_valid <= vector < vectors && ((activations_valid && !activations_ready) || !pause(1'b0));
            codes_ready <= !pause(1'b0);
            weights <= all_weights[row];
            {flags, activations} <= all_activations[vector];
            sums_in <= all_sums_in[vector];

            if (sums_valid) begin
                if (sums !== all_sums[sums_seen] || sums_seen >= vectors) begin
                    wrong_sums = wrong_sums + 1;
                    if (wrong_sums < 4) $display("sums %0d: %h instead of %h", sums_seen, sums, all_sums[sums_seen]);
                end
                sums_seen = sums_seen + 1;
                last_cycle = cycle;
            end
            if (codes_ready || !codes_valid) begin
                change <= sums_valid && sums_start && sums_emit;
                if (change) begin
                    bias <= all_bias[constants];
                    multiplier <= all_multiplier[constants];
                    constants = constants + 1;
                end
            end
            if (codes_valid && codes_ready) begin
                if (codes !== all_codes[codes_seen] || codes_seen >= wanted_codes) begin
                    wrong_codes = wrong_codes + 1;
                    if (wrong_codes < 4)
                        $display("codes %0d: %h instead of %h", codes_seen, codes, all_codes[codes_seen]);
                end
                codes_seen = codes_seen + 1;
            end

            quiet = (row < rows || vector < vectors || sums_valid || codes_valid) ? 0 : quiet + 1;
            if (cycle == reset_at) begin
                reset <= 1'b1;
                weights_valid <= 1'b0;
                activations_valid <= 1'b0;
            end else if (quiet == 4 * SIZE || wrong_sums + wrong_codes > 100 || cycle == limit) begin
                $display("sums %0d wrong %0d codes %0d wrong %0d cycles %0d",
                    sums_seen, wrong_sums, codes_seen, wrong_codes, last_cycle - first_cycle + 1);
                if (wrong_sums + wrong_codes == 0 && sums_seen == vectors && codes_seen == wanted_codes)
                    $display("PASS");
                else $display("FAIL");
                $finish;
            end
        end
    end
endmodule
