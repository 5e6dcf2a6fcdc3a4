import re
from typing import Any

import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.eie.config import PRESETS, EieConfig


def test_sizes_of_the_presets() -> None:
    paper, ours, tiny = PRESETS["eie-64"], PRESETS["eie-16x4"], PRESETS["eie-tiny"]
    assert paper.multipliers == ours.multipliers == 64
    assert paper.total_rows == ours.total_rows == 4096
    assert (paper.line_activations, ours.line_activations, tiny.line_activations) == (64, 64, 4)
    assert (paper.pointer_bits, ours.pointer_bits) == (18, 19)
    assert (paper.entry_bits, ours.entry_bits) == (8, 12)
    assert paper.line_entries * paper.entry_bits == 64
    assert (paper.readout_latency, tiny.readout_latency, ours.readout_latency) == (2, 3, 4)
    assert ours.memory_bits == {
        "matrix": 75_497_472, "pointers": 10_272_768, "sums": 720_896, "activations": 1024 * 64 * 17
    }  # fmt: skip
    assert paper.memory_bits["matrix"] == 64 * 128 * 1024 * 8


def test_pointers_reach_behind_the_last_entry() -> None:
    assert PRESETS["eie-tiny"].replace(entries=256).pointer_bits == 9
    assert PRESETS["eie-tiny"].replace(entries=252).pointer_bits == 8


def test_words_hold_whatever_is_loaded() -> None:
    paper, ours, tiny = PRESETS["eie-64"], PRESETS["eie-16x4"], PRESETS["eie-tiny"]
    assert (ours.word_bytes, ours.word_groups, ours.part_activations, ours.line_parts) == (16 * 96 // 8, 1, 64, 1)
    assert (paper.word_bytes, paper.word_groups, paper.part_activations, paper.line_parts) == (16 * 64 // 8, 4, 64, 1)
    assert (tiny.word_bytes, tiny.word_groups, tiny.part_activations, tiny.line_parts) == (5, 2, 4, 1)
    one = ours.replace(load_clusters=1)
    assert (one.word_bytes, one.word_groups, one.part_activations, one.line_parts) == (12, 16, 4, 16)
    assert paper.replace(clusters=2, readout_rows=1).word_clusters == 2
    assert sum(ours.job_fields.values()) == 16 + 10 + 16 + 9 + 10 + 3 + 6 + 2


def test_psum_bits_by_default() -> None:
    assert EieConfig(psum_bits=0).psum_bits == 48


@pytest.mark.parametrize("preset", PRESETS)
def test_toml(preset: str) -> None:
    assert EieConfig.from_toml(PRESETS[preset].to_toml()) == PRESETS[preset]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"clusters": 3}, "clusters must be a power of two from 1 to 256, not 3"),
        ({"lanes": 16}, "lanes must be an integer from 1 to 8, not 16"),
        ({"rows": 250}, "rows must be a multiple of readout_rows (4), not 250"),
        ({"rows": 512}, "index_bits must be enough for 512 rows, as the index is absolute, not 8"),
        ({"index": "both"}, 'index must be "relative" or "absolute", not \'both\''),
        ({"index": "relative"}, "lanes must be 1, as the index is relative, not 4"),
        ({"codes": 12}, "codes must be a power of two from 4 to 256, not 12"),
        ({"psum_bits": 31}, "psum_bits must be at least 32, not 31"),
        ({"line_entries": 2}, "line_entries must be at least lanes (4), not 2"),
        ({"entries": 1001}, "entries must be a multiple of line_entries (8), not 1001"),
        ({"pointers": 1001}, "pointers must be even, not 1001"),
        ({"queue_depth": 0}, "queue_depth must be an integer from 1 to 64, not 0"),
        ({"line_buffer": 3}, "line_buffer must be a power of two from 2 to 8, not 3"),
        ({"readout_rows": 0}, "readout_rows must be an integer from 1 to 8, not 0"),
        ({"skip_empty": 1}, "skip_empty must be true or false, not 1"),
        ({"clusters": 128}, "clusters must be such that clusters * readout_rows is from 2 to 256, not 128"),
        ({"activation_lines": 1}, "activation_lines must be an integer from 2 to 16384, not 1"),
        ({"load_clusters": 3}, "load_clusters must be a power of two from 1 to 256, not 3"),
        ({"jobs": 0}, "jobs must be an integer from 1 to 64, not 0"),
        ({"codebooks": 65}, "codebooks must be an integer from 1 to 64, not 65"),
        ({"data_bits": 17}, "data_bits must be an integer from 2 to 16, not 17"),
    ],
)
def test_wrong_values_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        EieConfig(**changes)
