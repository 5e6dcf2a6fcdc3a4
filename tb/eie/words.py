"""Words of the input stream as testbenches take them."""

from collections.abc import Iterable
from typing import Any

from ...sim.eie.beats import Words

__all__ = ["word_values"]


def word_values(parts: Iterable[Words]) -> list[dict[str, Any]]:
    """Words one by one."""
    return [
        {"kind": int(kind), "address": int(address), "data": data.tolist()}
        for part in parts
        for kind, address, data in zip(part["kind"], part["address"], part["data"], strict=True)
    ]
