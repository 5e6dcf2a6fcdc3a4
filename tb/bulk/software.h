// Software on AXI4-Lite registers: steps one behind the other. software.py makes the structures below.

#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "memory.h"
#include "port.h"

namespace {

enum Kind { WRITE, READ, WAIT, POLL };

struct Step {
    int32_t kind;
    int32_t port;          // WAIT: an output
    uint64_t address;
    uint32_t data, mask;   // WRITE: what, and strobes; READ: what came; POLL: bits that must have which values
    int32_t response;      // that must come
};

// The same order as `PINS` in software.py.
enum LitePin {
    S_AWVALID, S_AWREADY, S_AWADDR, S_WVALID, S_WREADY, S_WDATA, S_WSTRB, S_BVALID, S_BREADY, S_BRESP,
    S_ARVALID, S_ARREADY, S_ARADDR, S_RVALID, S_RREADY, S_RDATA, S_RRESP,
    LITE_PINS
};

struct SoftwareDescription {
    const char* name;
    Step* steps;
    uint64_t count, done;
    int32_t pins[LITE_PINS];   // -1 if no step is an access
};

class Software {
  public:
    enum Progress { NONE, MOVED, WAITED };

    Software(std::vector<Port>& ports, SoftwareDescription& from) : from_(from), ports_(ports) {
        for (int i = 0; i < LITE_PINS; ++i) pins_[i] = from.pins[i] < 0 ? nullptr : &ports[from.pins[i]];
    }

    bool done() const { return from_.done == from_.count; }

    void drive() {
        if (!pins_[0]) return;
        const Step* step = done() ? nullptr : &from_.steps[from_.done];
        const bool writes = step && step->kind == WRITE, reads = step && (step->kind == READ || step->kind == POLL);
        if (writes) {
            pins_[S_AWADDR]->assign(step->address);
            pins_[S_WDATA]->assign(step->data);
            pins_[S_WSTRB]->assign(step->mask);
        }
        if (reads) pins_[S_ARADDR]->assign(step->address);
        pins_[S_AWVALID]->set(writes && !address_taken_);
        pins_[S_WVALID]->set(writes && !data_taken_);
        pins_[S_ARVALID]->set(reads && !address_taken_);
        pins_[S_BREADY]->set(true);
        pins_[S_RREADY]->set(true);
    }

    Progress observe() {
        if (pins_[0]) check_answers();
        if (done()) return NONE;
        Step& step = from_.steps[from_.done];
        if (step.kind == WAIT) return ports_[step.port].value() ? next(WAITED) : NONE;
        const bool writes = step.kind == WRITE;
        const bool answered = pins_[writes ? S_BVALID : S_RVALID]->get();
        if (transfers(writes ? S_AWVALID : S_ARVALID)) address_taken_ = true;
        if (writes && transfers(S_WVALID)) data_taken_ = true;
        if (!answered) return NONE;
        const uint64_t response = pins_[writes ? S_BRESP : S_RRESP]->value();
        if (response != static_cast<uint64_t>(step.response))
            fail(std::string(writes ? "writing" : "reading") + " register " + hex(step.address) +
                 " was answered with " + (response ? "error " + text(response) : "no error"));
        if (writes) return next(MOVED);
        const uint32_t data = static_cast<uint32_t>(pins_[S_RDATA]->value());
        if (step.kind == READ) {
            step.data = data;
            return next(MOVED);
        }
        address_taken_ = false;
        return (data & step.mask) == step.data ? next(WAITED) : NONE;
    }

  private:
    bool transfers(int valid) const { return pins_[valid]->get() && pins_[valid + 1]->get(); }

    // An answer that nobody waits for. What was taken in this very cycle can't be answered yet.
    void check_answers() const {
        const bool writes = !done() && from_.steps[from_.done].kind == WRITE;
        if (pins_[S_BVALID]->get() && !(writes && address_taken_ && data_taken_)) fail("BVALID answers no write");
        if (pins_[S_RVALID]->get() && (writes || !address_taken_)) fail("RVALID answers no read");
    }

    [[noreturn]] void fail(const std::string& what) const {
        throw std::runtime_error(std::string(from_.name) + ": " + what);
    }

    Progress next(Progress progress) {
        ++from_.done;
        address_taken_ = data_taken_ = false;
        return progress;
    }

    SoftwareDescription& from_;
    std::vector<Port>& ports_;
    Port* pins_[LITE_PINS];
    bool address_taken_ = false, data_taken_ = false;
};

}  // namespace
