// The mesh as one would write it by hand: unpacked arrays and loops, the same function and the same
// cycles as tensorloom's `mesh`. The benchmark compares the simulation speed of the two, and a test
// compares their outputs.
module reference_mesh #(
    parameter int ROWS = 256,
    parameter int COLUMNS = 256,
    parameter int TILE_ROWS = 16,
    parameter int PSUM_BITS = 25
) (
    input  logic               clk,
    input  logic [ROWS*9-1:0]  i_activations,
    input  logic [ROWS*3-1:0]  i_controls,  // load, weights_signed, swap
    input  logic [COLUMNS*8-1:0] i_weights,
    output logic [COLUMNS*PSUM_BITS-1:0] o_psums
);
    logic signed [8:0]  activation[ROWS][COLUMNS];
    logic        [2:0]  control[ROWS][COLUMNS];
    logic        [7:0]  shadow[ROWS][COLUMNS];
    logic signed [8:0]  weight[ROWS][COLUMNS];
    logic signed [PSUM_BITS-1:0] psum[ROWS][COLUMNS];
    logic        [7:0]  bus[ROWS/TILE_ROWS][COLUMNS];

    always_ff @(posedge clk) begin
        for (int t = 0; t < ROWS / TILE_ROWS - 1; t++)
            for (int c = 0; c < COLUMNS; c++)
                bus[t+1][c] <= t == 0 ? i_weights[c*8+:8] : bus[t][c];
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLUMNS; c++) begin
                automatic logic [2:0] now = c == 0 ? i_controls[r*3+:3] : control[r][c-1];
                activation[r][c] <= c == 0 ? $signed(i_activations[r*9+:9]) : activation[r][c-1];
                control[r][c] <= now;
                psum[r][c] <= (r == 0 ? PSUM_BITS'($signed(1'b0)) : psum[r-1][c]) + activation[r][c] * weight[r][c];
                if (now[0]) weight[r][c] <= {shadow[r][c][7] & now[1], shadow[r][c]};
                if (now[2]) shadow[r][c] <= r < TILE_ROWS ? i_weights[c*8+:8] : bus[r/TILE_ROWS][c];
            end
    end

    always_comb for (int c = 0; c < COLUMNS; c++) o_psums[c*PSUM_BITS+:PSUM_BITS] = psum[ROWS-1][c];
endmodule
