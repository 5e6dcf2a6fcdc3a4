"""The rule of streams and of AXI's channels: what is offered stays until it is taken."""

from amaranth.hdl import Cat, Module, Signal, Value

from ...formal import Assert

__all__ = ["assert_stable"]


def assert_stable(m: Module, name: str, valid: Value, ready: Value, *payload: Value) -> None:
    """An offer that wasn't taken is there in the next cycle, with the same payload."""
    now, before, waited = Value.cast(Cat(*payload)), Signal(len(Cat(*payload)), name=f"{name}_before"), Signal()
    m.d.sync += [before.eq(now), waited.eq(valid & ~ready)]
    m.d.comb += Assert(~waited | (valid & (now == before)))
