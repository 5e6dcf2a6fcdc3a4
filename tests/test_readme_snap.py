"""What the README says of the SNAP core is so."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tensorloom.cli.bench_snap import AREA, GOALS, ROWS, SECONDS, SEED, STEPS
from tensorloom.cli.demo_snap import IMAGES
from tensorloom.cli.jobs import layer_job
from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.cycles.snap import simulate_core
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.matmul import matmul
from tensorloom.sim.mapping.snap import map_convolution, map_fully_connected
from tensorloom.sim.mapping.snap_batch import join_programs
from tensorloom.sim.workloads.digits import digits_images
from tensorloom.sim.workloads.digits_cnn import infer, load_digits_cnn
from tensorloom.tb.snap.formal.proofs import proofs

README = runpy.run_path(str(Path(__file__).with_name("test_readme.py")))
TEXT, table, number = (README[name] for name in ("TEXT", "table", "number"))


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
        [f"{choice['layer']} ({kind})", choice.get("part", "whole"), density]
        for kind, choice, densities in ROWS
        for density in densities
    ]
    assert [row[:3] for row in rows] == expected
    shortest = min(rows, key=lambda row: number(row[3]))
    job = layer_job(
        layer=shortest[0].split()[0], shape=None, part=shortest[1], density=shortest[2], bits=config.data_bits,
        seed=SEED, steps=STEPS,
    )  # fmt: skip
    found = simulate_core(config, map_convolution(config, job.a[0], job.b, **job.convolution))
    figures = f"{found.cycles:,}", f"{found.utilisation(config.multipliers):.3f}", f"{found.sums_per_cycle:.2f}"
    assert tuple(shortest[3:]) == figures


def test_snap_goals() -> None:
    rows = table("snap-goals")
    words = {"<=": "at most", ">=": "at least"}
    goals = [goal[3:] for goal in GOALS] + list(AREA.values()) + list(SECONDS.values())
    assert [goal for _, _, goal in rows] == [f"{words[relation]} {goal:,.10g}" for relation, goal in goals]
    for _, measured, goal in rows:
        assert number(measured) <= number(goal.split()[-1]) if "most" in goal else (
            number(measured) >= number(goal.split()[-1])
        )  # fmt: skip


def test_snap_area() -> None:
    """Four cores, whose AIMs stay within the paper's share; the goals' table has the same shares."""
    rows = {row[0]: row[1:] for row in table("snap-area")}
    assert list(rows) == ["snap-core", "snap-core aim=table", "snap-core-8b", "snap-core-8b aim=table"]
    goals = {row[0]: number(row[1]) for row in table("snap-goals")}
    for name, (_, aims, both) in rows.items():
        bits = PRESETS[name.split()[0]].data_bits
        limit = 12.5 if bits == 16 else 17
        assert 0 < number(aims.rstrip("%")) < number(both.rstrip("%")) and number(aims.rstrip("%")) <= limit
        if " " not in name:
            share = goals[f"aim area fraction, {bits} bits"]
            assert share == pytest.approx(number(aims.rstrip("%")) / 100, abs=0.0006)


def test_proofs() -> None:
    """Every proof is in the table, with its kind."""
    expected = {re.sub(r"_\d+$", "", proof.name): proof.kind for proof in proofs(PRESETS["snap-core"])}
    found = {name: kind for names, _, kind in table("proofs") for name in names.split(", ")}
    assert found == expected
