"""What the README says is so: commands (those of docs too), links, tables, formulas."""

import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from tensorloom.cli.bench_systolic import GOALS, PRODUCT
from tensorloom.cli.emission import emit_design
from tensorloom.cli.engines import ENGINES, find_preset
from tensorloom.cli.main import app
from tensorloom.hw.emit.waivers import WAIVERS
from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.hw.systolic.layouts import COUNTER_BITS, COUNTERS, command_layout
from tensorloom.sim.systolic.cycles import predict
from tensorloom.sim.systolic.plan import plan_matmul
from tensorloom.sim.systolic.scale_sim import scale_sim_cycles
from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
TEXT = PAGES["README.md"]
TPU = PRESETS["tpu-v1"]


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def table(name: str, text: str = TEXT) -> list[list[str]]:
    """Rows of the table behind a comment, without its head; backticks are left out."""
    found = re.search(rf"<!-- table: {name} [^\n]*-->\n\n((?:\|[^\n]*\n)+)", text)
    assert found, name
    rows = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in found[1].splitlines()]
    assert len(rows) > 2, name
    return rows[2:]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def value(formula: str, config: SystolicConfig) -> int:
    """What a formula of the README gives for a configuration."""
    result = eval(formula.replace("`", ""), {"log2": math.log2} | config.to_dict())
    assert result == int(result)
    return int(result)


def commands() -> list[tuple[list[str], str]]:
    """Arguments of every ``tensorloom ...`` in the text, and the file that its output goes to."""
    lines: list[str] = []
    for text in PAGES.values():
        found = [line.strip() for block in blocks("", text) for line in block.splitlines()]
        found += re.findall(r"`(tensorloom [^`\n]*)`", text)
        lines += [line for line in dict.fromkeys(found) if line.startswith("tensorloom ") and line not in lines]
    parts = [line.partition(" > ") for line in lines]
    return [(shlex.split(command)[1:], target.strip()) for command, _, target in parts]


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All can be parsed; those that are cheap run, in the order of the text."""
    monkeypatch.chdir(tmp_path)
    group: Any = typer.main.get_command(app)
    ran = 0
    for args, target in commands():
        command, rest = group, args
        while hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        if rest or args[0] != "fpga":  # `tensorloom fpga build` in a sentence lacks its board
            command.make_context(args[0], rest)  # raises for unknown options and missing files
        if args[0] in ("list", "config", "verilog", "lint") and not {"tpu-v1", "DIR"} & set(args):
            result = CliRunner().invoke(app, args)
            assert result.exit_code == 0, (args, result.output)
            ran += 1
            if target:
                Path(target).write_text(result.stdout)
    assert ran >= 4 and len(commands()) > ran


def test_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(code, {})
    assert "issued" in capsys.readouterr().out
    assert (tmp_path / "build/tiny/matrix_unit.v").exists()


def test_instance_names_every_port() -> None:
    (code,) = blocks("verilog")
    design = find_preset("tiny")
    assert design
    ports = {port["name"] for port in emit_design(design).manifest["ports"]}
    assert set(re.findall(r"\.(\w+)\(", code)) == ports


@pytest.mark.parametrize("page", PAGES)
def test_scripts_and_links_exist(page: str) -> None:
    text, folder = PAGES[page], (ROOT / page).parent
    for name in re.findall(r"\bscripts/(\w+(?:\.py)?)", text):
        assert (ROOT / "scripts" / name).stat().st_mode & 0o111, name
    for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", text):
        assert not link or (folder / link).is_file(), link
        target = PAGES[str((folder / link).relative_to(ROOT))] if anchor and link else text
        assert not anchor or anchor in anchors(target), anchor
    for path in re.findall(r"`((?:hw|sim|tb|cli|fpga|tests)/[\w/.]*)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"scripts/test .*?(tests/[\w/.]+)", text):
        assert (ROOT / path).exists(), path


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_presets() -> None:
    engine = ENGINES["systolic"]
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


@pytest.mark.parametrize("preset", ["tiny", "tpu-v1"])
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
        assert preset != "tpu-v1" or number(bits) == ports[name]["width"]


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


def test_counters_and_waivers() -> None:
    assert [row[0] for row in table("counters")] == list(COUNTERS)
    assert f"{COUNTER_BITS}-bit counters" in TEXT
    assert f"{', '.join(waiver[0] for waiver in WAIVERS)}. The file" in TEXT.replace("\n  ", " ")


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
    design = find_preset("tpu-v1")
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
