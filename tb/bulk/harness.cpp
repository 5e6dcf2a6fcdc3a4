// Runs a verilated design in bulk: whole jobs on stream beats, memories and registers, or on per-cycle port values, one
// call from Python. The same for every design, so it is compiled once.

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

#include "design.h"
#include "memory.h"
#include "port.h"
#include "software.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

std::string fault;  // the last $stop or fatal error of the design

}  // namespace

void vl_finish(const char*, int, const char*) {}

void vl_stop(const char* file, int line, const char* hier) {
    fault = std::string("assertion failed in ") + hier + " (" + file + ":" + std::to_string(line) + ")";
}

void vl_fatal(const char* file, int line, const char* hier, const char* message) {
    throw std::runtime_error(std::string(message) + " in " + hier + " (" + file + ":" + std::to_string(line) + ")");
}

enum Status { RUNNING = 0, DONE = 1, WATCHDOG = 2, FAULT = 3, PROTOCOL = 4, SURPLUS = 5 };

// One stream of a job; the same layout as `Stream` in model.py, which keeps it between calls.
struct Stream {
    int32_t payload, valid, ready, output;
    uint8_t* data;       // beats to send, or room for the beats to receive
    uint64_t beats;      // how many
    uint64_t done;       // transferred so far
    uint64_t random;     // state of the stall generator
    uint32_t stall;      // probability of a stall times 2**32
    uint32_t offered;    // input: a beat is on offer and must stay; output: one was refused and must stay
    uint8_t* held;       // output: the refused beat
    uint64_t after_valid;  // output: ready only for a beat that was refused in the cycle before
};

struct Job {
    uint64_t cycle;          // cycles since reset
    uint64_t last_transfer;  // cycle (counted from 1) of the last transfer on any stream
    uint64_t last_output;    // the same for outputs
    uint64_t last_wait;      // the same for the end of the last wait of the software
    uint64_t watchdog;       // cycles without a transfer before giving up
    int32_t stream;          // which stream broke the protocol, or gave too much
};

struct Model {
    VerilatedContext context;
    std::unique_ptr<Design> design;
    std::vector<std::unique_ptr<Memory>> memories;
    std::unique_ptr<Software> software;
    Log log;
    uint64_t cycle = 0;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> trace;
    std::string trace_path;
    uint64_t trace_start = 0, trace_stop = 0;
#endif

    Model() {
        context.randReset(0);
#if VM_TRACE
        context.traceEverOn(true);
#endif
        design = make_design(context);
    }

    ~Model() {
        close();
        design->finish();
    }

    void close() {
#if VM_TRACE
        if (trace) trace->close();
        trace.reset();
#endif
    }

    void dump(uint64_t half) {
#if VM_TRACE
        if (cycle < trace_start || cycle >= trace_stop) return;
        if (!trace) {
            trace.reset(new VerilatedVcdC);
            design->trace(*trace);
            trace->open(trace_path.c_str());
            if (!trace->isOpen()) throw std::runtime_error("waveform file " + trace_path + " can't be written");
        }
        trace->dump(cycle * 10 + half * 5);
        if (half && cycle + 1 == trace_stop) close();
#endif
    }

    void settle() {
        design->clock(false);
        design->eval();
    }

    void edge() {
        design->clock(true);
        design->eval();
    }

    void reset(int cycles) {
        std::vector<Port>& ports = design->ports;
        for (int i = 0; i < design->inputs; ++i)
            if (!ports[i].held) memset(ports[i].data, 0, ports[i].bytes());
        if (design->rst >= 0 && design->clk >= 0) {
            ports[design->rst].set(true);
            for (int i = 0; i < cycles; ++i) {
                settle();
                edge();
            }
            ports[design->rst].set(false);
        }
        cycle = 0;
    }

    // What memories and software see of a cycle; true if they have nothing left to do.
    bool serve(Job& job) {
        bool done = true, writing = false;
        log.cycle = job.cycle - 1;
        for (auto& memory : memories) {
            if (memory->observe(log.cycle)) job.last_transfer = job.cycle;
            done = done && memory->idle();
            writing = writing || memory->writing();
        }
        if (!software) return done;
        const Software::Progress progress = software->observe();
        if (progress != Software::NONE) job.last_transfer = job.cycle;
        if (progress == Software::WAITED) {
            job.last_wait = job.cycle;
            if (writing) throw std::runtime_error("software was told of the end while " + debts());
        }
        return done && software->done();
    }

    std::string debts() const {
        std::string all;
        for (auto& memory : memories)
            if (!memory->idle()) all += (all.empty() ? "" : "; ") + memory->debts();
        return all;
    }

    // `until_done`: stop after the last beat; otherwise run the whole chunk (to look for extra beats).
    Status run(Job& job, Stream* streams, int count, uint64_t chunk, bool until_done) {
        std::vector<Port>& ports = design->ports;
        for (uint64_t n = 0; n < chunk; ++n) {
            for (auto& memory : memories) memory->drive(job.cycle);
            if (software) software->drive();
            for (int i = 0; i < count; ++i) {
                Stream& s = streams[i];
                const bool go = s.stall == 0 || random32(s.random) >= s.stall;
                if (s.output) {
                    ports[s.ready].set(go && (!s.after_valid || s.offered));
                } else if (!s.offered) {
                    s.offered = s.done < s.beats && go;
                    if (s.payload >= 0) {
                        Port& payload = ports[s.payload];
                        if (s.offered) payload.load(s.data + s.done * payload.bytes());
                        else if (ports[s.valid].get()) payload.randomize(s.random);  // nobody may use it now
                    }
                    ports[s.valid].set(s.offered);
                }
            }
            settle();
            dump(0);
            bool all = true;
            ++job.cycle;
            for (int i = 0; i < count; ++i) {
                Stream& s = streams[i];
                const bool valid = ports[s.valid].get(), ready = ports[s.ready].get();
                const Port* payload = s.payload >= 0 ? &ports[s.payload] : nullptr;
                if (s.output) {
                    const bool held = valid && (!payload || memcmp(s.held, payload->data, payload->bytes()) == 0);
                    if (s.offered && !held) {
                        job.stream = i;
                        return PROTOCOL;
                    }
                    s.offered = valid && !ready;
                    if (s.offered && payload) payload->store(s.held);
                }
                if (valid && ready) {
                    if (s.done == s.beats) {
                        job.stream = i;
                        return SURPLUS;
                    }
                    job.last_transfer = job.cycle;
                    if (s.output) {
                        job.last_output = job.cycle;
                        if (payload) payload->store(s.data + s.done * payload->bytes());
                    } else {
                        s.offered = false;
                    }
                    ++s.done;
                }
                all = all && s.done == s.beats;
            }
            all = serve(job) && all;
            edge();
            dump(1);
            ++cycle;
            if (!fault.empty()) return FAULT;
            if (all && until_done) return DONE;
            if (until_done && job.cycle - job.last_transfer >= job.watchdog) return WATCHDOG;
        }
        return RUNNING;
    }
};

// Runs `body`; a fatal error of the design becomes FAULT, its text is kept for `tl_fault`.
template <class Body>
static int guard(Body body) {
    try {
        fault.clear();
        return body();
    } catch (const std::exception& e) {
        fault = e.what();
        return FAULT;
    }
}

EXPORT Model* tl_create() {
    try {
        return new Model;
    } catch (const std::exception& e) {
        fault = e.what();
        return nullptr;
    }
}

EXPORT void tl_destroy(Model* model) { delete model; }

EXPORT const char* tl_fault() { return fault.c_str(); }

EXPORT int tl_reset(Model* model, int cycles) {
    return guard([&] {
        model->reset(cycles);
        return fault.empty() ? DONE : FAULT;
    });
}

EXPORT int tl_run(Model* model, Job* job, Stream* streams, int count, uint64_t chunk, int until_done) {
    return guard([&] { return model->run(*job, streams, count, chunk, until_done != 0); });
}

// What the next runs have beside streams. The structures are used until the next call.
EXPORT int tl_attach(Model* model, MemoryDescription* memories, int count, SoftwareDescription* software, int log) {
    return guard([&] {
        model->memories.clear();
        model->software.reset();
        model->log = Log();
        model->log.on = log != 0;
        for (int i = 0; i < count; ++i)
            model->memories.emplace_back(new Memory(model->design->ports, memories[i], model->log));
        if (software) model->software.reset(new Software(model->design->ports, *software));
        return DONE;
    });
}

// What memories still owe, in words; empty if nothing. Kept until the next call.
EXPORT const char* tl_debts(const Model* model) {
    static std::string debts;
    debts = model->debts();
    return debts.c_str();
}

EXPORT uint64_t tl_log(const Model* model, const Transfer** transfers) {
    *transfers = model->log.transfers.data();
    return model->log.transfers.size();
}

EXPORT void tl_hold(Model* model, int port, const uint8_t* from) {
    model->design->ports[port].load(from);
    model->design->ports[port].held = true;
}

// Per-cycle values: rows of inputs are applied after an edge, outputs sampled before the next one, which follows
// unless the caller only wants to see what the outputs would be.
EXPORT int tl_cycles(Model* model, uint64_t cycles, int edges, int count_in, const int32_t* in,
                     const uint8_t* const* from, int count_out, const int32_t* out, uint8_t* const* to) {
    return guard([&] {
        for (uint64_t n = 0; n < cycles; ++n) {
            for (int i = 0; i < count_in; ++i) {
                Port& port = model->design->ports[in[i]];
                port.load(from[i] + n * port.bytes());
            }
            model->settle();
            model->dump(0);
            for (int i = 0; i < count_out; ++i) {
                const Port& port = model->design->ports[out[i]];
                port.store(to[i] + n * port.bytes());
            }
            if (!edges) continue;
            model->edge();
            model->dump(1);
            ++model->cycle;
            if (!fault.empty()) return FAULT;
        }
        return DONE;
    });
}

// Pseudo-random values on every input in every cycle: nothing but the simulation's own speed.
EXPORT int tl_bench(Model* model, uint64_t cycles, uint64_t random) {
    return guard([&] {
        Design& design = *model->design;
        for (uint64_t n = 0; n < cycles; ++n) {
            for (int i = 0; i < design.inputs; ++i)
                if (i != design.clk && i != design.rst) design.ports[i].randomize(random);
            model->settle();
            model->edge();
            if (!fault.empty()) return FAULT;
        }
        return DONE;
    });
}

EXPORT void tl_peek(const Model* model, int port, uint8_t* to) { model->design->ports[port].store(to); }

// For a check that Python's structures are these.
EXPORT void tl_sizes(uint64_t* to) {
    to[0] = sizeof(Job);
    to[1] = sizeof(Stream);
    to[2] = sizeof(PortDescription);
    to[3] = sizeof(MemoryDescription);
    to[4] = sizeof(ErrorRange);
    to[5] = sizeof(Step);
    to[6] = sizeof(SoftwareDescription);
}

EXPORT int tl_trace(Model* model, const char* path, uint64_t start, uint64_t stop) {
#if VM_TRACE
    model->close();
    model->trace_path = path;
    model->trace_start = start;
    model->trace_stop = stop;
    return DONE;
#else
    (void)model, (void)path, (void)start, (void)stop;
    return FAULT;
#endif
}
