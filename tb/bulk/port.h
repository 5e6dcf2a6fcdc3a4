// A port of the verilated design, and the random numbers of the harness.

#pragma once

#include <cstdint>
#include <cstring>

inline uint32_t random32(uint64_t& state) {  // xorshift64*
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<uint32_t>((state * 0x2545F4914F6CDD1DULL) >> 32);
}

struct Port {
    void* data;
    uint32_t width;
    bool held = false;  // a reset leaves it as it is

    // Verilator stores a port in 1, 2, 4 or 8 bytes, wider ones in 32-bit words.
    size_t bytes() const {
        return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : width <= 64 ? 8 : (width + 31) / 32 * 4;
    }
    uint8_t* raw() const { return static_cast<uint8_t*>(data); }
    bool get() const { return *raw() != 0; }
    void set(bool value) { *raw() = value; }
    void load(const uint8_t* from) { memcpy(data, from, bytes()); }
    void store(uint8_t* to) const { memcpy(to, data, bytes()); }

    // Of no more than 64 bits.
    uint64_t value() const {
        uint64_t value = 0;
        memcpy(&value, data, bytes());
        return value;
    }
    void assign(uint64_t value) { memcpy(data, &value, bytes()); }

    void randomize(uint64_t& state) {
        for (size_t at = 0; at < bytes(); at += 4) {
            uint32_t word = random32(state);
            const size_t bits = width - at * 8;
            if (bits < 32) word &= (uint32_t{1} << bits) - 1;
            memcpy(raw() + at, &word, bytes() - at < 4 ? bytes() - at : 4);
        }
    }
};

// Whether a channel goes on in a cycle.
struct Gate {
    uint64_t random;  // state of the generator
    uint32_t stall;   // probability of a stall times 2**32

    bool go() { return stall == 0 || random32(random) >= stall; }
};
