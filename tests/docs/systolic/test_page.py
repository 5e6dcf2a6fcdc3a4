"""What docs/systolic.md says is so: tables and formulas."""

import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tensorloom.cli.main import app
from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.hw.systolic.layouts import COUNTER_BITS, COUNTERS, command_layout
from tensorloom.run.emission import emit_design
from tensorloom.run.registry import engines, find_preset
from tensorloom.run.systolic.benchmark import GOALS, PRODUCT
from tensorloom.sim.systolic.cycles import predict
from tensorloom.sim.systolic.plan import plan_matmul
from tensorloom.sim.systolic.scale_sim import scale_sim_cycles

from ..pages import PAGES, ROOT, blocks, number, table

TEXT = PAGES["docs/systolic.md"]
TPU = PRESETS["systolic-256"]


def value(formula: str, config: SystolicConfig) -> int:
    """What a formula of the README gives for a configuration."""
    result = eval(formula.replace("`", ""), {"log2": math.log2} | config.to_dict())
    assert result == int(result)
    return int(result)


def test_instance_names_every_port() -> None:
    (code,) = blocks("verilog", TEXT)
    design = find_preset("tiny")
    assert design
    ports = {port["name"] for port in emit_design(design).manifest["ports"]}
    assert set(re.findall(r"\.(\w+)\(", code)) == ports


def test_walks_are_drawn_by_the_commands_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^tensorloom (walk .*)$", TEXT, re.MULTILINE)
    assert [command.split()[-1] for command in commands] == re.findall(r"\]\((walk_\w+\.svg)\)", TEXT)
    for command in commands:
        assert CliRunner().invoke(app, shlex.split(command)).exit_code == 0
        name = command.split()[-1]
        assert Path(name).read_bytes() == (ROOT / "docs" / name).read_bytes(), "run scripts/pictures"


def test_presets() -> None:
    engine = engines()["systolic"]
    expected = []
    for name, config in PRESETS.items():
        figures = engine.figures(config)
        sizes = [f"{config.rows} x {config.columns}", f"{config.tile_rows} x {config.tile_columns}"]
        figures = config.accumulator_rows, *(figures[key] for key in FIGURES)
        expected.append([name, *sizes, *(f"{figure:,}" for figure in figures)])
    assert table("presets") == expected


FIGURES = "multipliers", "accumulator_bytes", "weight_fifo_bytes"


def test_fields() -> None:
    assert {row[0]: int(row[1]) for row in table("fields")} == SystolicConfig().to_dict()


@pytest.mark.parametrize("preset", ["tiny", "systolic-256"])
def test_ports(preset: str) -> None:
    design = find_preset(preset)
    assert design
    manifest = emit_design(design).manifest
    ports = {port["name"]: port for port in manifest["ports"]}
    rows = table("ports")
    signals = {"clk", "rst"} | {stream["ports"][part] for stream in manifest["streams"] for part in ("valid", "ready")}
    assert {row[0] for row in rows} == set(ports) - signals
    for name, direction, formula, bits, _ in rows:
        assert ports[name]["direction"] == direction
        assert ports[name]["width"] == value(formula, design.config)
        assert preset != "systolic-256" or number(bits) == ports[name]["width"]


def test_command_fields() -> None:
    for preset in PRESETS.values():
        layout = command_layout(preset)
        fields = [(name, field.offset, field.width) for name, field in layout]
        found, lowest = [], 0
        for name, formula, bit, _ in table("commands"):
            found.append((name, lowest, value(formula, preset)))
            assert preset != TPU or int(bit) == lowest
            lowest += value(formula, preset)
        assert found == fields and lowest == layout.size


def test_counters() -> None:
    assert [row[0] for row in table("counters")] == list(COUNTERS)
    assert f"{COUNTER_BITS}-bit counters" in TEXT


@pytest.mark.parametrize("registers", [0, 1, 3])
@pytest.mark.parametrize("name", PRESETS)
def test_latencies(name: str, registers: int) -> None:
    """The formulas of the text against the cycle model: one command of one row."""
    config = PRESETS[name].replace(multiplier_registers=registers)
    prose = TEXT.replace("\n", " ")
    plan = plan_matmul(config, 1, 1, 1)
    cycles = predict(config, plan.commands)
    first = re.search(r"can enter `([^`]+)` cycles after the first weight row", prose)
    latency = re.search(r"offered `([^`]+)` cycles after it entered", prose)
    assert first and latency
    entered = 1 + cycles.wait_weights
    assert entered == value(first[1], config)
    assert cycles.cycles == entered + value(latency[1], config) + 1


@pytest.mark.parametrize("name", PRESETS)
def test_commands_without_a_gap(name: str) -> None:
    config = PRESETS[name]
    least = re.search(r"Commands of at least `([^`]+)` rows \(and at least `([^`]+)`\)", TEXT.replace("\n", " "))
    assert least
    rows = max(value(formula, config) for formula in least.groups())
    waits = {m: predict(config, plan_matmul(config, m, 3 * config.rows, 1).commands).wait_weights for m in (1, rows)}
    assert waits[rows] == value("rows + rows / tile_rows + 1", config) < waits[1]


def sizes() -> Iterator[tuple[list[str], tuple[int, int, int]]]:
    """Rows of the demo's table with the M, K, N that their names say."""
    for row in table("demo"):
        found = list(map(int, re.findall(r"\d+", row[0].partition(":")[2])))
        if len(found) == 3:
            yield row, (found[0], found[1], found[2])
        else:
            height, width, channels, r, s, kernels = found
            yield row, (height * width, r * s * channels, kernels)


def test_demo_figures() -> None:
    """Cycles and utilisation that the demo measured, against the models."""
    for (_, *cells), (m, k, n) in sizes():
        plan = plan_matmul(TPU, m, k, n)
        cycles = predict(TPU, plan.commands)
        assert cells == [
            f"{cycles.cycles:,}",
            f"{cycles.cycles:,}",
            f"{scale_sim_cycles(TPU.rows, TPU.columns, m, k, n):,}",
            f"{cycles.utilisation(TPU, plan.macs):.2%}",
            f"{plan.macs / (plan.beats * TPU.multipliers):.2%}",
        ]


def test_generated_sizes() -> None:
    """Bytes and modules of the 256x256 matrix unit in both tables of figures."""
    design = find_preset("systolic-256")
    assert design
    emission = emit_design(design)
    size = f"{sum(map(len, emission.verilog.values())):,}"
    modules = [module["instances"] for module in emission.manifest["modules"]]
    summary, bench = dict(table("demo-summary")), {row[0]: row[1] for row in table("bench")}
    assert summary["Verilog"] == f"{size} bytes, {len(modules)} shared modules, {sum(modules):,} instances"
    assert bench["Verilog of the matrix unit, bytes"] == size


def test_bench_figures() -> None:
    rows = {row[0]: row[1:] for row in table("bench")}
    m, k, n = PRODUCT
    plan = plan_matmul(TPU, m, k, n)
    cycles = predict(TPU, plan.commands).cycles
    assert rows[f"cycles of {m} x {k} x {n}"][0] == f"{cycles:,}"
    assert rows["the same by the SCALE-Sim formula"][0] == f"{scale_sim_cycles(TPU.rows, TPU.columns, m, k, n):,}"
    assert number(rows["the same / (MACs / multipliers)"][0]) == round(cycles * TPU.multipliers / plan.macs, 3)
    goals = [goal for _, goal in rows.values() if goal]
    words = {"<=": "at most", ">=": "at least"}
    assert goals == [f"{words[relation]} {goal:,.10g}" for relation, goal in GOALS.values()]
    for measured, goal in rows.values():
        if goal:
            figure = number(measured.rstrip("%")) / (100 if measured.endswith("%") else 1)
            assert figure <= number(goal.split()[-1]) if "most" in goal else figure >= number(goal.split()[-1])
