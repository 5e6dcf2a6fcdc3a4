# amaranth: UnusedElaboratable=no
"""Configuration of the SNAP core."""

import re

import pytest
from amaranth.hdl import Value

from tensorloom.hw.config import PORT_BITS, ConfigError
from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.hw.snap.core import SnapCore


def test_derived_values() -> None:
    config = PRESETS["snap-core"]
    assert (config.multipliers, config.ports, config.psum_bits, config.index_bits) == (63, 9, 48, 5)
    assert (config.window_entries, config.window_beats, config.tile_beats, config.slot_bits) == (64, 16, 8, 5)
    assert PRESETS["snap-core-8b"].psum_bits == 32
    for preset in PRESETS.values():
        assert SnapConfig.from_toml(preset.to_toml()) == preset


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"aim_entries": 33}, "aim_entries must be a power of two from 4 to 64, not 33"),
        ({"pe_multipliers": 5}, "pe_multipliers must be an integer from 1 to 4, not 5"),
        ({"psum_bits": 31}, "psum_bits must be at least 32, not 31"),
        ({"beat_entries": 16}, "beat_entries must be a power of two from 1 to 8, not 16"),
        ({"weight_entries": 32}, "weight_entries must be a power of two from 64 to 1024, not 32"),
        ({"activation_entries": 16}, "activation_entries must be a power of two from 32 to 1024, not 16"),
        ({"psum_slots": 3}, "psum_slots must be a power of two from 2 to 256, not 3"),
    ],
)
def test_wrong_values(changes: dict[str, int], text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        SnapConfig().replace(**changes)


def test_wrong_type() -> None:
    with pytest.raises(TypeError, match="core_rows must be an integer, not 7.0"):
        SnapConfig(core_rows=7.0)  # pyrefly: ignore[bad-argument-type]  # wrong on purpose


def test_the_largest_core_can_be_emitted() -> None:
    """No port is wider than a port may be, and the inputs together are not more than the 65,534 bits of a module."""
    config = SnapConfig(
        core_rows=32, core_columns=8, pe_multipliers=4, aim_entries=64, data_bits=16, psum_bits=62, beat_entries=16,
        weight_entries=1024, activation_entries=1024, weight_windows=16, activation_tiles=64, list_depth=8,
        psum_slots=256, pipelined=True,
    )  # fmt: skip
    core = SnapCore(config)
    ports = [(member.flow.name, len(Value.cast(value))) for _, member, value in core.signature.flatten(core)]
    assert max(ports, key=lambda port: port[1]) == ("Out", 61952)  # counters
    assert 61952 <= PORT_BITS
    assert sum(width for flow, width in ports if flow == "In") + 2 <= PORT_BITS - 2  # clock and reset
