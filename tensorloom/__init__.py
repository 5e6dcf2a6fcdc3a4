"""Neural-network accelerators in Verilog, checked."""
