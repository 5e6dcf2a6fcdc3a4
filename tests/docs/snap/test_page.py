"""What docs/snap.md and docs/snap_core.md say of the SNAP core is so."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.config import parse_assignments
from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.run.snap.area import WORK
from tensorloom.run.snap.benchmark import (
    AREA,
    GOALS,
    MAPPING_DENSITY,
    MAPPINGS,
    MODEL_RATIO,
    ROWS,
    SECONDS,
    USEFUL,
    _job,
)
from tensorloom.run.snap.demo import IMAGES
from tensorloom.run.snap.program import map_way
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.matmul import matmul
from tensorloom.sim.snap.batch import join_programs
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.sim.snap.mapping import map_convolution, map_fully_connected
from tensorloom.sim.snap.ways import Way
from tensorloom.sim.workloads.digits import digits_images
from tensorloom.sim.workloads.digits_cnn import infer, load_digits_cnn
from tensorloom.sim.workloads.layers import LayerShape, random_tensors
from tensorloom.tb.snap.formal.proofs import proofs

from ..pages import PAGES, ROOT, number, table

TEXT = PAGES["docs/snap.md"]
FULL = PRESETS["snap-core"]


def test_snap_presets() -> None:
    expected = [
        [name, f"{c.core_rows} x {c.core_columns}", *map(str, (c.multipliers, c.data_bits, c.aim_entries))]
        for name, c in PRESETS.items()
    ]
    rows = table("snap-presets")
    assert [row[:5] for row in rows] == expected
    for name, *_, purpose in rows:
        assert PRESETS[name].pipelined == ("pipelined" in purpose)


def test_snap_fields() -> None:
    """Names, values, and the limits: the last value that is fine and the first that isn't."""
    defaults, rows = SnapConfig().to_dict(), table("snap-fields")
    assert {row[0]: row[1].lower() for row in rows} == {name: str(value).lower() for name, value in defaults.items()}
    for field, _, _, rule in rows:
        power = "power of two, " in rule
        low, _, high = rule.removeprefix("power of two, ").partition(" to ")
        if not high:
            assert field in ("psum_bits", "pipelined", "aim")
            continue
        least, most = (eval(limit.replace("2 N", "2 * N"), {"N": FULL.aim_entries}) for limit in (low, high))
        others = {"beat_entries": 1} if field == "aim_entries" else {}
        for value in (least, int(most)):
            assert getattr(SnapConfig().replace(**others, **{field: value}), field) == value
        for value in (least // 2 if power else least - 1, int(most * 2) if power else most + 1):
            with pytest.raises(ValueError, match=f"{field} must be "):
                SnapConfig().replace(**{field: value})


def test_names_of_the_microarchitecture_are_those_of_the_code() -> None:
    """Everything in backticks that looks like a name is one, of the hardware, of its models or of the commands."""
    sources = [
        path for folder in ("hw/snap", "hw/common", "sim/snap", "tb/snap") for path in (ROOT / folder).rglob("*.py")
    ]
    words = {word for path in sources for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}
    named = re.findall(r"`([^`\n]+)`", PAGES["docs/snap_core.md"])
    names = {word for text in named if "/" not in text for word in re.findall(r"[A-Za-z_]\w{2,}", text)}
    assert len(names) > 80
    assert names - words - {"snap", "wraps", "True", "type", "this"} == set()


@pytest.mark.parametrize("columns", [1, 3, 4])
def test_snap_timing(columns: int) -> None:
    """The shortest layer, by the cycle model; how many cycles an addition takes to be seen."""
    rows = table("snap-timing")
    for pipelined, (*_, decode, _, _, reads, _, formula) in zip((False, True), rows, strict=True):
        config = SnapConfig(core_columns=columns, pipelined=pipelined)
        program = map_convolution(config, np.ones((1, 1, 1), int), np.ones((1, 1, 1, 1), int))
        assert simulate_core(config, program).cycles == eval(formula, {"columns": columns})
        first, seen = (eval(cell.split(", ")[0], {"t": 0}) for cell in (decode, reads))
        assert seen - first == config.landing_cycles + pipelined  # a register before the reducer


def test_snap_demo() -> None:
    """The network's densities, cycles and speed-ups, by the cycle model."""
    config, rows = PRESETS["snap-core"], []

    def layer(name: str, size: str, x: np.ndarray, w: np.ndarray, programs: Callable, outputs: int) -> None:
        found = simulate_core(config, join_programs(programs(x, w), outputs))
        dense = simulate_core(config, join_programs(programs(np.ones_like(x[:1]), np.ones_like(w)), outputs))
        densities = "/".join(f"{np.count_nonzero(tensor) / tensor.size:.2f}" for tensor in (x, w))
        cells = f"{name}: {size}", densities, f"{found.cycles:,}", f"{found.cycles:,}"
        utilisation = f"{found.utilisation(config.multipliers):.3f}"
        rows.append([*cells, utilisation, f"{dense.cycles * len(x) / found.cycles:.2f}"])

    def conv(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
        def programs(x: np.ndarray, w: np.ndarray) -> list:
            return [map_convolution(config, image, w, stride, padding) for image in x]

        sums = convolution(x, w, stride, padding)
        name = f"digits {w.shape[0]}x{w.shape[1]}{f' stride {stride}' if stride > 1 else ''}"
        layer(name, f"{'x'.join(map(str, x.shape[1:]))} to {w.shape[3]}", x, w, programs, sums[0].size)
        return sums

    def fc(x: np.ndarray, w: np.ndarray) -> np.ndarray:
        def programs(x: np.ndarray, w: np.ndarray) -> list:
            return [map_fully_connected(config, row, w) for row in x]

        layer("digits FC", f"{len(w)} to {w.shape[1]}", x, w, programs, w.shape[1])
        return matmul(x, w)

    layers = load_digits_cnn()
    infer(layers, digits_images().test_images[:IMAGES], conv, fc)
    assert table("snap-demo") == rows
    assert f"reads {IMAGES} held-out digits" in TEXT
    zeros = 1 - sum(np.count_nonzero(layer.weights) for layer in layers) / sum(layer.weights.size for layer in layers)
    assert f"{100 * zeros:.0f} % of its weights are zeros" in TEXT


def test_snap_bench() -> None:
    """Rows are those of the benchmark; the shortest is checked with the cycle model."""
    rows, config = table("snap-bench"), PRESETS["snap-core"]
    expected = [
        [f"{layer} ({kind})", "{}x{}x{},{}".format(*part) if part else "whole", density]
        for kind, layer, part, densities in ROWS
        for density in densities
    ]
    assert [row[:3] for row in rows] == expected
    shortest = min(rows, key=lambda row: number(row[3]))
    sizes = [int(size) for size in re.findall(r"\d+", shortest[1])]
    job = _job(config, shortest[0].split()[0], (sizes[0], sizes[1], sizes[2], sizes[3]), shortest[2])
    assert job.convolution is not None
    found = simulate_core(config, map_convolution(config, job.a[0], job.b, **job.convolution))
    figures = f"{found.cycles:,}", f"{found.utilisation(config.multipliers):.3f}", f"{found.sums_per_cycle:.2f}"
    assert tuple(shortest[3:]) == figures


def test_snap_mappings() -> None:
    """Rows are those of the benchmark; one layer is checked with the cycle model."""
    rows, config = iter(table("snap-mappings")), PRESETS["snap-core"]
    for kind, layer, part in MAPPINGS:
        for name in ("diagonals", "row taps"):
            found = next(rows)
            assert found[:3] == [f"{layer} ({kind})", "{}x{}x{},{}".format(*part), name]
            if kind != "3x3, 7 wide":
                continue
            program, way = map_way(config, _job(config, layer, part, MAPPING_DENSITY), name)
            block = f"{way.row_taps.lines} x {way.row_taps.kernels}" if way.row_taps else ""
            counters = simulate_core(config, program.core)
            utilisation = f"{counters.utilisation(config.multipliers):.3f}"
            assert found[3:] == [block, f"{counters.cycles:,}", utilisation, f"{counters.sums_per_cycle:.2f}"]
    assert next(rows, None) is None


def test_snap_ways() -> None:
    for text, density, *expected in table("snap-ways"):
        shape, *changes = text.split(", ")
        height, width, channels, rows, columns, kernels = map(int, re.findall(r"\d+", shape))
        steps: dict[str, Any] = {name: int(value) for name, value in map(str.split, changes)}
        layer = LayerShape(
            name="layer", height=height, width=width, channels=channels, rows=rows, columns=columns, kernels=kernels,
            **steps,
        )  # fmt: skip
        activations, weights = map(float, density.split("/"))
        x, w = random_tensors(layer, activations, weights, 1)
        programs = [map_convolution(FULL, x, w, **layer.steps, way=way) for way in (Way(), None)]
        assert [f"{simulate_core(FULL, program).cycles:,}" for program in programs] == expected, text


def test_snap_goals() -> None:
    rows = table("snap-goals")
    words = {"<=": "at most", ">=": "at least"}
    goals = [goal[3:] for goal in GOALS] + [*AREA.values(), *USEFUL.values(), *SECONDS.values(), (">=", MODEL_RATIO)]
    assert [goal for _, _, goal in rows] == [f"{words[relation]} {goal:,.10g}" for relation, goal in goals]
    missed = []
    for name, measured, goal in rows:
        most, limit = "most" in goal, number(goal.split()[-1])
        missed += [name] if (number(measured) > limit if most else number(measured) < limit) else []
    assert all("useful products" in name for name in missed), "the page says so of these"


def test_snap_area() -> None:
    """Four cores; comparators stay within the paper's share, and the goals' table has the same shares."""
    rows = {row[0]: row[1:] for row in table("snap-area")}
    assert list(rows) == ["snap-core", "snap-core aim=table", "snap-core-8b", "snap-core-8b aim=table"]
    goals = {row[0]: number(row[1]) for row in table("snap-goals")}
    for name, (area, macros, aims, both, depth) in rows.items():
        assert 0 < number(macros) < number(area) and number(depth) > 20
        bits = PRESETS[name.split()[0]].data_bits
        limit = 12.5 if bits == 16 else 17
        assert 0 < number(aims.rstrip("%")) < number(both.rstrip("%"))
        if " " not in name:
            assert number(aims.rstrip("%")) <= limit
            share = goals[f"aim area fraction, {bits} bits"]
            assert share == pytest.approx(number(aims.rstrip("%")) / 100, abs=0.0006)


def test_snap_sizes() -> None:
    """The preset's row is that of the benchmark; 1x1 layers with 16 slots are run by the cycle model."""
    rows = {row[0].strip("`"): row[1:] for row in table("snap-sizes")}
    bench = {(row[0], row[1], row[2]): row[4] for row in table("snap-bench")}
    wide, narrow, pointwise = (
        (f"{name} ({kind})", "{}x{}x{},{}".format(*part))
        for (name, part), kind in zip(WORK, ("3x3, 56 wide", "3x3, 14 wide", "1x1"), strict=True)
    )
    cells = [*((layer, "0.38/0.52") for layer in (wide, narrow, pointwise)), (wide, "0.2/0.3"), (wide, "0.1/0.1")]
    assert rows[""] == [bench[(*layer, density)] for layer, density in cells]
    for text, found in rows.items():
        config = FULL.replace(**parse_assignments(SnapConfig, text.split()))
        assert len(found) == len(cells)
        if "psum_slots=16" in text:
            job = _job(config, *WORK[2], "0.38/0.52")
            assert job.convolution is not None
            program = map_convolution(config, job.a[0], job.b, **job.convolution)
            assert f"{simulate_core(config, program).utilisation(config.multipliers):.3f}" == found[2]


def test_proofs() -> None:
    """Every proof is in the table, with its kind and bound."""
    expected = {}
    both = (proofs(FULL, longer=longer) for longer in (False, True))
    for short, full in zip(*both, strict=True):
        bound = full.kind.removeprefix("bounded to ").removesuffix(" cycles")
        kind = short.kind if short.kind == full.kind else f"{short.kind} ({bound} at full size)"
        assert full.name == short.name
        expected[re.sub(r"_\d+$", "", short.name)] = kind
    found = {name: kind for names, _, kind in table("proofs") for name in names.split(", ")}
    assert found == expected
    edges = {0, FULL.aim_entries - 1, FULL.aim_entries, FULL.window_entries - 1}
    prose = TEXT.replace("\n", " ")
    assert f"lanes {', '.join(map(str, sorted(edges)[:-1]))} and {max(edges)}" in prose
    assert f"the other {FULL.window_entries - len(edges)} lanes" in prose
