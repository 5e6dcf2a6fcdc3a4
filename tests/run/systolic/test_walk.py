"""A walk through the matrix unit is what the maths says, at each PE and in each step, and the picture shows it."""

import itertools
import re
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.run.jobs import Job
from tensorloom.run.systolic.walk import walk
from tensorloom.run.systolic.walk_picture import draw_walk

TINY = PRESETS["tiny"]
CASES = {
    "vector": (TINY, (1, 4, 4), "int8", "int8"),
    "matrix": (TINY, (4, 4, 4), "int8", "int8"),
    "tiles": (TINY.replace(rows=2, columns=2), (4, 4, 4), "int8", "int8"),
    "padded": (TINY, (3, 7, 5), "uint8", "int8"),
    "blocks of rows": (TINY.replace(accumulator_rows=4), (7, 3, 4), "int8", "uint8"),
    "blocks of tiles": (TINY.replace(rows=8, columns=6, tile_columns=3), (8, 8, 8), "uint8", "uint8"),
    "lecture": (TINY.replace(rows=3, columns=3, tile_rows=1, tile_columns=3), (5, 3, 3), "int8", "int8"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, seed: int) -> tuple[SystolicConfig, np.ndarray, np.ndarray, dict[str, Any]]:
    """Array, operands (all values occur), and the walk."""
    config, (m, k, n), *kinds = CASES[request.param]
    rng = np.random.default_rng(seed)
    limits = map(np.iinfo, kinds)
    a, b = (
        rng.integers(limit.min, limit.max, shape, limit.dtype, endpoint=True)
        for limit, shape in zip(limits, ((m, k), (k, n)), strict=True)
    )
    return config, a.astype(int), b.astype(int), walk(config, Job(name="product", a=a, b=b))


def test_samples_are_the_maths(case: tuple[SystolicConfig, np.ndarray, np.ndarray, dict[str, Any]]) -> None:
    config, a, b, figures = case
    (m, k), n = a.shape, b.shape[1]
    down, across = config.rows, config.columns
    block = -(-m // -(-m // config.half_rows))
    order = [
        (row, tile_row, tile_column)
        for tile_column in range(0, n, across)
        for first in range(0, m, block)
        for tile_row in range(0, k, down)
        for row in range(first, min(first + block, m))
    ]
    beats, tiles, steps = figures["beats"], figures["tiles"], {step["cycle"]: step for step in figures["steps"]}
    places = [(tiles[beat["tile"]]["row"], tiles[beat["tile"]]["column"]) for beat in beats]
    assert [(beat["row"], *place) for beat, place in zip(beats, places, strict=True)] == order
    wide = np.zeros((m, k + down), int)
    wide[:, :k] = a
    tall = np.zeros((k + down, n + across), int)
    tall[:k, :n] = b

    left, shown = [], dict.fromkeys(("entering", "pes", "accumulators"), 0)
    for beat, (row, top, side) in enumerate(order):
        entry = beats[beat]["cycle"]
        tile = tall[top : top + down, side : side + across]
        products = wide[row, top : top + down, None] * tile
        for r in range(down):
            assert steps[entry + r]["entering"][r] == {"beat": beat, "activation": wide[row, top + r]}
            for c in range(across):
                pe = steps[entry + r + c + 1]["pes"][r][c]
                assert (pe["beat"], pe["tile"]) == (beat, beats[beat]["tile"])
                assert (pe["weight"], pe["activation"]) == (tile[r, c], wide[row, top + r])
                assert pe["psum"] == products[: r + 1, c].sum()
        sums = (wide[row, : top + down] @ tall[: top + down, side : side + across]).tolist()
        lands = entry + down + across
        held = [[one for one in steps[cycle]["accumulators"] if one["beat"] == beat] for cycle in (lands - 1, lands)]
        assert not held[0] and [one["sums"] for one in held[1]] == [sums]
        if top + down >= k:
            left.append((beat, sums))

    for step in steps.values():
        shown["entering"] += sum(entering is not None for entering in step["entering"])
        for pe, (r, c) in zip(itertools.chain(*step["pes"]), np.ndindex(down, across), strict=True):
            shown["pes"] += pe["beat"] is not None
            for kind, weight in ((pe["tile"], pe["weight"]), (_next(pe), pe["next"])):
                if weight is not None:
                    assert weight == tall[tiles[kind]["row"] + r, tiles[kind]["column"] + c]
        for one in step["accumulators"]:
            row, top, side = order[one["beat"]]
            assert one["sums"] == (wide[row, : top + down] @ tall[: top + down, side : side + across]).tolist()
    assert shown["entering"] == len(beats) * down
    assert shown["pes"] == len(beats) * down * across
    assert [(row["beat"], row["sums"]) for step in steps.values() if (row := step["leaving"])] == left
    assert figures["product"] == (a @ b).tolist()
    assert (figures["activations"], figures["weights"]) == (a.tolist(), b.tolist())


def _next(pe: dict[str, Any]) -> int:
    return 0 if pe["tile"] is None else pe["tile"] + 1


def test_rows_follow_without_a_gap_and_leave_in_time() -> None:
    for config, sizes, *_ in (CASES["vector"], CASES["matrix"], CASES["tiles"]):
        m, k, n = sizes
        figures = walk(config, Job(name="product", a=np.ones((m, k), np.int8), b=np.ones((k, n), np.int8)))
        entries = [beat["cycle"] for beat in figures["beats"]]
        assert entries == list(range(entries[0], entries[0] + len(entries)))
        assert figures["steps"][0]["cycle"] == entries[0]
        assert figures["steps"][-1]["cycle"] == entries[-1] + config.rows + config.columns + 3


def test_picture_shows_the_samples(case: tuple[SystolicConfig, np.ndarray, np.ndarray, dict[str, Any]]) -> None:
    *_, figures = case
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", draw_walk(figures))
    starts = [index for index, text in enumerate(texts) if re.fullmatch(r"step \d+", text)]
    panels = [texts[start:end] for start, end in itertools.pairwise([*starts, len(texts)])]
    steps = figures["steps"]
    assert [panel[1] for panel in panels] == [f"cycle {step['cycle']}" for step in steps]
    for index, panel in enumerate(panels):
        expected = [row["activation"] for step in steps[index : index + 2] for row in step["entering"] if row]
        step = steps[index]
        for pe in itertools.chain(*step["pes"]):
            waits = f"({pe['next']})" if pe["next"] is not None and pe["weight"] is None else None
            expected += [pe["weight"], waits, pe["activation"], pe["psum"]]
        for row in [*step["accumulators"], *filter(None, [step["leaving"]])]:
            expected += row["sums"]
        found = [text for text in panel[2:] if text and text != "out" and not text.startswith("acc. ")]
        assert sorted(found) == sorted(str(value) for value in expected if value is not None)
