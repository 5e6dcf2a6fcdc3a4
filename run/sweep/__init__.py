"""Many configurations, layers and densities on one engine, by its models or its Verilog."""
