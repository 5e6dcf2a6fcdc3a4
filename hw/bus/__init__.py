"""Memory ports: AXI4 and AXI4-Lite, engines that read and write, registers."""
