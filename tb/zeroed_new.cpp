// Memory from `new` is zero.
//
// Verilator (up to 5.048 at least) orders the two ways in which a hierarchical block updates its outputs by a number that
// it never initialises (`m_seqnum` in the wrapper of the block). With a negative one in the memory that the block gets,
// its outputs stand still from the moment at which the number passes zero: a few simulations in a hundred go wrong.

#include <cstdlib>
#include <cstring>
#include <new>

static void* zeroed(void* memory, std::size_t size) {
    if (!memory) throw std::bad_alloc();
    return std::memset(memory, 0, size);
}

void* operator new(std::size_t size) { return zeroed(std::malloc(size ? size : 1), size); }

void* operator new(std::size_t size, std::align_val_t alignment) {
    const std::size_t unit = static_cast<std::size_t>(alignment);
    const std::size_t whole = (size + unit - 1) / unit * unit;
    return zeroed(std::aligned_alloc(unit, whole ? whole : unit), size);
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
