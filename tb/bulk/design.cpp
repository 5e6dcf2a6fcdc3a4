// The verilated design, as the harness wants it: all that is compiled anew for each.

#include "design.h"

#include "Vdut.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

#include "ports.h"  // generated: the table of ports

namespace {

struct Dut final : Design {
    Vdut top;
    bool evaluated = false;

    explicit Dut(VerilatedContext& context) : top(&context, "top") { bind(top, *this); }

    // Verilator's final() reads what the first evaluation makes.
    void eval() override {
        top.eval();
        evaluated = true;
    }
    void finish() override {
        if (evaluated) top.final();
    }
#if VM_TRACE
    void trace(VerilatedVcdC& file) override { top.trace(&file, 99); }
#else
    void trace(VerilatedVcdC&) override {}
#endif
};

}  // namespace

std::unique_ptr<Design> make_design(VerilatedContext& context) { return std::make_unique<Dut>(context); }
