// What the harness knows of a verilated design.

#pragma once

#include <memory>
#include <vector>

#include "port.h"

class VerilatedContext;
class VerilatedVcdC;

struct Design {
    std::vector<Port> ports;  // inputs, then outputs
    int inputs = 0;
    int clk = -1, rst = -1;  // their places in the table, or -1

    virtual ~Design() = default;
    virtual void eval() = 0;
    virtual void finish() = 0;
    virtual void trace(VerilatedVcdC& file) = 0;

    void clock(bool value) {
        if (clk >= 0) ports[clk].set(value);
    }
};

std::unique_ptr<Design> make_design(VerilatedContext& context);
