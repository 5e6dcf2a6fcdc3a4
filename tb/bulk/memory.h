// A memory behind AXI4 ports of a design. `MemoryTiming` says what it takes; memory.py makes the structures below.

#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "port.h"

namespace {

enum Response { OKAY = 0, SLVERR = 2, DECERR = 3 };
enum Channel { AR, R, AW, W, B, CHANNELS };

// The same order as `PINS` in memory.py. What follows an address channel's valid and ready are its fields.
enum Pin {
    ARVALID, ARREADY, ARADDR, ARLEN, ARSIZE, ARBURST, ARID, ARCACHE, ARPROT,
    RVALID, RREADY, RDATA, RRESP, RLAST, RID,
    AWVALID, AWREADY, AWADDR, AWLEN, AWSIZE, AWBURST, AWID, AWCACHE, AWPROT,
    WVALID, WREADY, WDATA, WSTRB, WLAST,
    BVALID, BREADY, BRESP, BID,
    PINS
};

struct PortDescription {
    const char* name;
    Gate gates[CHANNELS];
    uint64_t beats[2];    // read and written so far
    int32_t pins[PINS];   // numbers of ports; -1 where there is none
    int32_t number;       // in the log
};

struct ErrorRange {
    uint64_t first, end, response;
};

struct MemoryDescription {
    uint8_t* data;
    uint64_t origin, size;  // the first byte's address, and how many there are
    const ErrorRange* errors;
    uint64_t error_count;
    PortDescription* ports;
    uint64_t port_count;
    uint64_t latency, write_latency;
    uint64_t read_pace, write_pace, pace;  // bytes in so many cycles; 0: as many as ports take
    uint64_t pace_cycles;
    uint64_t outstanding, write_buffer;
};

struct Transfer {
    uint64_t cycle;
    uint32_t port, channel;
};

struct Log {
    bool on = false;
    uint64_t cycle = 0;
    std::vector<Transfer> transfers;

    void add(int port, Channel channel) {
        if (on) transfers.push_back({cycle, static_cast<uint32_t>(port), static_cast<uint32_t>(channel)});
    }
};

struct Burst {
    uint64_t address, beats, id;
    uint64_t due = 0;  // first cycle in which it may be answered
    uint64_t done = 0;
    int response = OKAY;
};

inline std::string text(uint64_t number) { return std::to_string(number); }

inline std::string hex(uint64_t number) {
    char buffer[24];
    snprintf(buffer, sizeof buffer, "0x%llx", static_cast<unsigned long long>(number));
    return buffer;
}

// Pins of one port of the design.
struct Pins {
    std::string name;
    Port* pins[PINS];

    Pins(std::vector<Port>& ports, const PortDescription& from) : name(from.name) {
        for (int i = 0; i < PINS; ++i) pins[i] = from.pins[i] < 0 ? nullptr : &ports[from.pins[i]];
    }
    Port& operator[](int pin) const { return *pins[pin]; }
    bool has(int pin) const { return pins[pin] != nullptr; }
    [[noreturn]] void violation(const std::string& rule) const { throw std::runtime_error(name + ": " + rule); }
    void noise(std::initializer_list<int> fields, uint64_t& random) const {
        for (int field : fields) pins[field]->randomize(random);
    }
};

// AR or AW: takes addresses, and checks them.
class AddressChannel {
  public:
    bool waiting = false;  // a burst was seen and not taken

    AddressChannel(const Pins& pins, Pin first, Pin data, const char* name)
        : pins_(pins), first_(first), bytes_(pins[data].width / 8), name_(name) {}

    void drive(bool ready) { pins_[first_ + 1].set(ready); }

    bool observe(Burst& burst) {
        if (!pins_[first_].get()) {
            if (waiting) pins_.violation(name_ + "VALID fell before the burst was taken");
            return false;
        }
        uint64_t values[FIELDS];
        for (int i = 0; i < FIELDS; ++i) values[i] = pins_[first_ + 2 + i].value();
        if (waiting && memcmp(values, held_, sizeof values) != 0)
            pins_.violation(name_ + " changed while its burst waited");
        waiting = !pins_[first_ + 1].get();
        if (waiting) {
            memcpy(held_, values, sizeof values);
            return false;
        }
        burst = {values[0], values[1] + 1, values[4]};
        check(burst, values[2], values[3], values[5], values[6]);
        return true;
    }

  private:
    static constexpr int FIELDS = ARPROT - ARADDR + 1;

    void check(const Burst& burst, uint64_t size, uint64_t kind, uint64_t cache, uint64_t protection) const {
        if (uint64_t{1} << size != bytes_)
            pins_.violation(name_ + "SIZE must be that of a full beat of " + text(bytes_) + " bytes, not " + text(size));
        if (kind != 1) pins_.violation(name_ + "BURST must be 1 (INCR), not " + text(kind));
        if (cache != 3) pins_.violation(name_ + "CACHE must be 3 (normal memory, bufferable), not " + text(cache));
        if (protection != 0) pins_.violation(name_ + "PROT must be 0 (secure data, no privilege), not " + text(protection));
        if (burst.address % bytes_)
            pins_.violation(name_ + "ADDR must be a multiple of " + text(bytes_) + " bytes, not " + hex(burst.address));
        if (burst.address / 4096 != (burst.address + burst.beats * bytes_ - 1) / 4096)
            pins_.violation(name_ + " crosses a page of 4 KiB with " + text(burst.beats) + " beats from " +
                            hex(burst.address));
    }

    const Pins& pins_;
    const Pin first_;
    const uint64_t bytes_;
    const std::string name_;
    uint64_t held_[FIELDS] = {};
};

// What a memory holds, and which accesses fail.
struct Contents {
    const MemoryDescription& from;

    int response(uint64_t address, uint64_t bytes) const {
        const uint64_t place = address - from.origin;  // huge if the address lies before it
        if (place >= from.size || bytes > from.size - place) return DECERR;
        for (uint64_t i = 0; i < from.error_count; ++i)
            if (address < from.errors[i].end && from.errors[i].first < address + bytes)
                return static_cast<int>(from.errors[i].response);
        return OKAY;
    }
    uint8_t* at(uint64_t address) const { return from.data + (address - from.origin); }
};

// What asks memory for a beat: the read or the write side of a port.
class Client {
  public:
    bool served = false;
    virtual ~Client() = default;
    virtual bool wants(uint64_t cycle) const = 0;
    virtual void serve(uint64_t cycle) = 0;
    virtual uint64_t bytes() const = 0;
};

// AR and R: beats in order, each seen no sooner than memory has served it.
class ReadSide final : public Client {
  public:
    ReadSide(const Pins& pins, PortDescription& port, const MemoryDescription& from, Log& log)
        : pins_(pins), port_(port), from_(from), contents_{from}, log_(log), addresses_(pins, ARVALID, RDATA, "AR"),
          noise_(port.gates[R].random ^ 0x9E3779B97F4A7C15ULL) {}

    uint64_t bytes() const override { return pins_[RDATA].width / 8; }
    bool idle() const { return bursts_.empty() && !addresses_.waiting; }
    size_t unanswered() const { return bursts_.size(); }

    void begin() {
        addresses_.drive(port_.gates[AR].go() && bursts_.size() < from_.outstanding);
        go_ = port_.gates[R].go();
    }
    bool wants(uint64_t cycle) const override {
        return go_ && !shown_ && !bursts_.empty() && bursts_.front().due <= cycle;
    }
    void serve(uint64_t) override {
        const Burst& burst = bursts_.front();
        const uint64_t address = burst.address + burst.done * bytes();
        const int response = contents_.response(address, bytes());
        if (response == OKAY) memcpy(pins_[RDATA].data, contents_.at(address), bytes());
        else pins_[RDATA].randomize(noise_);
        pins_[RRESP].assign(response);
        pins_[RID].assign(burst.id);
        pins_[RLAST].set(burst.done + 1 == burst.beats);
        shown_ = true;
    }
    void drive() {
        if (!shown_ && pins_[RVALID].get()) pins_.noise({RDATA, RRESP, RID, RLAST}, noise_);  // nobody may use it now
        pins_[RVALID].set(shown_);
    }
    bool observe(uint64_t cycle) {
        bool moved = false;
        if (shown_ && pins_[RREADY].get()) {
            log_.add(port_.number, R);
            ++port_.beats[0];
            shown_ = false;
            moved = true;
            if (++bursts_.front().done == bursts_.front().beats) bursts_.pop_front();
        }
        Burst burst;
        if (addresses_.observe(burst)) {
            log_.add(port_.number, AR);
            burst.due = cycle + from_.latency;
            bursts_.push_back(burst);
            moved = true;
        }
        return moved;
    }

  private:
    const Pins& pins_;
    PortDescription& port_;
    const MemoryDescription& from_;
    const Contents contents_;
    Log& log_;
    AddressChannel addresses_;
    std::deque<Burst> bursts_;
    bool go_ = false, shown_ = false;
    uint64_t noise_;
};

// AW, W and B: data are buffered, and written when memory serves them.
class WriteSide final : public Client {
  public:
    WriteSide(const Pins& pins, PortDescription& port, const MemoryDescription& from, Log& log)
        : pins_(pins), port_(port), from_(from), contents_{from}, log_(log), addresses_(pins, AWVALID, WDATA, "AW"),
          noise_(port.gates[B].random ^ 0x9E3779B97F4A7C15ULL), data_(from.write_buffer * pins[WDATA].bytes()),
          strobes_(from.write_buffer * pins[WSTRB].bytes()), held_(pins[WDATA].bytes() + pins[WSTRB].bytes() + 1),
          seen_(held_.size()) {}

    uint64_t bytes() const override { return pins_[WDATA].width / 8; }
    bool idle() const { return !unanswered() && !level_ && !waiting_ && !addresses_.waiting; }
    size_t unanswered() const { return bursts_.size() + answers_.size(); }
    uint64_t level() const { return level_; }

    void begin() {
        addresses_.drive(port_.gates[AW].go() && unanswered() < from_.outstanding);
        pins_[WREADY].set(port_.gates[W].go() && level_ < from_.write_buffer);
        go_ = port_.gates[B].go();
    }
    bool wants(uint64_t) const override { return level_ && !bursts_.empty(); }
    void serve(uint64_t cycle) override {
        Burst& burst = bursts_.front();
        const uint64_t address = burst.address + burst.done * bytes();
        const int response = contents_.response(address, bytes());
        if (response == OKAY) write(contents_.at(address));
        else if (burst.response == OKAY) burst.response = response;
        head_ = (head_ + 1) % from_.write_buffer;
        --level_;
        if (++burst.done == burst.beats) {
            burst.due = cycle - 1 + from_.write_latency;
            answers_.push_back(burst);
            bursts_.pop_front();
        }
    }
    void drive(uint64_t cycle) {
        if (go_ && !shown_ && !answers_.empty() && answers_.front().due <= cycle) {
            pins_[BRESP].assign(answers_.front().response);
            pins_[BID].assign(answers_.front().id);
            shown_ = true;
        }
        if (!shown_ && pins_[BVALID].get()) pins_.noise({BRESP, BID}, noise_);
        pins_[BVALID].set(shown_);
    }
    bool observe() {
        bool moved = false;
        if (shown_ && pins_[BREADY].get()) {
            log_.add(port_.number, B);
            answers_.pop_front();
            shown_ = false;
            moved = true;
        }
        Burst burst;
        if (addresses_.observe(burst)) {
            log_.add(port_.number, AW);
            bursts_.push_back(burst);
            asked_.push_back(burst.beats);
            moved = true;
        }
        moved |= take();
        compare();
        return moved;
    }

  private:
    // A beat of data; one that waits must stay.
    bool take() {
        if (!pins_[WVALID].get()) {
            if (waiting_) pins_.violation("WVALID fell before the beat was taken");
            return false;
        }
        const bool ready = pins_[WREADY].get();
        if (waiting_ || !ready) {
            pins_[WDATA].store(seen_.data());
            pins_[WSTRB].store(seen_.data() + pins_[WDATA].bytes());
            seen_.back() = pins_[WLAST].get();
            if (waiting_ && seen_ != held_) pins_.violation("W changed while its beat waited");
            held_ = seen_;
        }
        waiting_ = !ready;
        if (waiting_) return false;
        const uint64_t place = (head_ + level_++) % from_.write_buffer;
        pins_[WDATA].store(data_.data() + place * pins_[WDATA].bytes());
        pins_[WSTRB].store(strobes_.data() + place * pins_[WSTRB].bytes());
        log_.add(port_.number, W);
        ++port_.beats[1];
        ++count_;
        if (pins_[WLAST].get()) {
            ended_.push_back(count_);
            count_ = 0;
        }
        return true;
    }

    // Lengths by addresses and by WLAST, whichever comes first.
    void compare() {
        while (!asked_.empty() && !ended_.empty()) {
            if (asked_.front() != ended_.front())
                pins_.violation("WLAST must come with beat " + text(asked_.front()) + " of its burst, not with beat " +
                                text(ended_.front()));
            asked_.pop_front();
            ended_.pop_front();
        }
        if (!asked_.empty() && count_ >= asked_.front())
            pins_.violation("WLAST must come with beat " + text(asked_.front()) + " of its burst, but did not");
    }

    void write(uint8_t* to) const {
        const uint8_t* data = data_.data() + head_ * pins_[WDATA].bytes();
        const uint8_t* strobes = strobes_.data() + head_ * pins_[WSTRB].bytes();
        for (uint64_t i = 0; i < bytes(); ++i)
            if (strobes[i / 8] >> i % 8 & 1) to[i] = data[i];
    }

    const Pins& pins_;
    PortDescription& port_;
    const MemoryDescription& from_;
    const Contents contents_;
    Log& log_;
    AddressChannel addresses_;
    std::deque<Burst> bursts_, answers_;   // not all written; written and not answered
    std::deque<uint64_t> asked_, ended_;
    bool go_ = false, shown_ = false, waiting_ = false;
    uint64_t noise_, head_ = 0, level_ = 0, count_ = 0;
    std::vector<uint8_t> data_, strobes_, held_, seen_;
};

// Clients that share a pace: whoever was served longest ago comes first.
struct Pool {
    uint64_t pace, cycles, credit = 0, most = 0;
    std::vector<Client*> clients;

    Pool(uint64_t bytes, uint64_t in_cycles) : pace(bytes), cycles(in_cycles) {}

    void add(Client* client) {
        clients.push_back(client);
        // What is left over may be one short of a beat, so that the pace is kept exactly.
        most = std::max(most, pace + cycles * client->bytes() - 1);
        credit = most;
    }

    void serve(uint64_t cycle) {
        if (!pace) {
            for (Client* client : clients)
                if (client->wants(cycle)) client->serve(cycle);
            return;
        }
        credit = std::min(credit + pace, most);
        bool any = false;
        for (Client* client : clients) client->served = false;
        for (Client* client : clients) {
            if (!client->wants(cycle)) continue;
            if (credit < cycles * client->bytes()) break;
            client->serve(cycle);
            credit -= cycles * client->bytes();
            client->served = any = true;
        }
        if (any)
            std::stable_partition(clients.begin(), clients.end(), [](const Client* client) { return !client->served; });
    }
};

class Memory {
  public:
    Memory(std::vector<Port>& ports, const MemoryDescription& from, Log& log)
        : from_(from), pools_{Pool(from.pace ? from.pace : from.read_pace, from.pace_cycles), Pool(from.write_pace, from.pace_cycles)} {
        for (uint64_t i = 0; i < from.port_count; ++i) {
            PortDescription& port = from.ports[i];
            pins_.emplace_back(new Pins(ports, port));
            const Pins& pins = *pins_.back();
            if (pins.has(ARVALID)) {
                reads_.emplace_back(new ReadSide(pins, port, from_, log));
                pools_[0].add(reads_.back().get());
            }
            if (pins.has(AWVALID)) {
                writes_.emplace_back(new WriteSide(pins, port, from_, log));
                pools_[from.pace ? 0 : 1].add(writes_.back().get());
            }
            names_.emplace_back(port.name);
        }
    }

    bool idle() const {
        for (auto& side : reads_)
            if (!side->idle()) return false;
        return !writing();
    }
    bool writing() const {
        for (auto& side : writes_)
            if (!side->idle()) return true;
        return false;
    }
    void drive(uint64_t cycle) {
        for (auto& side : reads_) side->begin();
        for (auto& side : writes_) side->begin();
        for (Pool& pool : pools_) pool.serve(cycle);
        for (auto& side : reads_) side->drive();
        for (auto& side : writes_) side->drive(cycle);
    }
    bool observe(uint64_t cycle) {
        bool moved = false;
        for (auto& side : reads_) moved |= side->observe(cycle);
        for (auto& side : writes_) moved |= side->observe();
        return moved;
    }
    // What it still owes, for errors.
    std::string debts() const {
        uint64_t reads = 0, writes = 0, beats = 0;
        for (auto& side : reads_) reads += side->unanswered();
        for (auto& side : writes_) writes += side->unanswered(), beats += side->level();
        std::string all;
        for (auto& name : names_) all += (all.empty() ? "" : " and ") + name;
        return all + " owes answers to " + text(reads) + " reads and " + text(writes) + " writes, and holds " +
               text(beats) + " beats of data";
    }

  private:
    const MemoryDescription from_;
    Pool pools_[2];
    std::vector<std::string> names_;
    std::vector<std::unique_ptr<Pins>> pins_;
    std::vector<std::unique_ptr<ReadSide>> reads_;
    std::vector<std::unique_ptr<WriteSide>> writes_;
};

}  // namespace
