"""The page of the TPU says what the design says, and its program runs."""

import filecmp
import json
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tensorloom.cli.main import app
from tensorloom.hw.emit.ports import port_names
from tensorloom.hw.tpu.config import PRESETS, TpuConfig
from tensorloom.hw.tpu.isa import INSTRUCTIONS
from tensorloom.hw.tpu.register_map import REGISTERS
from tensorloom.hw.tpu.tpu import Tpu
from tensorloom.run.tpu.networks import TIMING
from tensorloom.run.tpu.papers import PUBLISHED
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.requantize import requantize
from tensorloom.sim.tpu.assembler import assemble
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.rules import Room

from ..driver import drive, written
from ..pages import PAGES, ROOT, blocks, number, table

PAGE = PAGES["docs/tpu.md"]
TEXT = " ".join(PAGE.split())
DRAW = ROOT / "docs/draw"

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(DRAW))
    FOUND = runpy.run_path(str(DRAW / "tpu_tables.py"))

TABLES = FOUND["tpu_tables"]()


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_the_design(name: str) -> None:
    assert table(name) == [[cell.replace("`", "") for cell in row] for row in TABLES[name]], "run scripts/pictures"


def test_fields() -> None:
    config, listed = PRESETS["tpu-v1"], {}
    for names, value, *_ in table("tpu-config"):
        listed |= dict.fromkeys(names.split(", "), int(value))
    assert set(TpuConfig().to_dict()) == {name.partition(".")[0] for name in listed}
    for name, value in listed.items():
        owner, _, field = name.rpartition(".")
        assert getattr(config.matrix if owner else config, field) == value


def test_ports_are_those_of_the_component() -> None:
    """By name, and of the widths that the table says."""
    tpu: Any = Tpu(PRESETS["tpu-v1"])
    vars(tpu)["_MustUse__used"] = True  # only its ports are looked at
    listed = {port: text for names, _, text in table("tpu-ports") for port in names.split(", ")}
    for port in [*port_names(tpu).values(), "clk", "rst"]:
        assert sum(port == name or port.startswith(f"{name}_") for name in listed) == 1, port
    for name in ("m_host_read", "m_weights", "m_host_write"):
        port, channel = getattr(tpu, name), "w" if name.endswith("write") else "r"
        widths = [len(getattr(port, one)) for one in (f"a{channel}addr", f"{channel}data", f"a{channel}id")]
        assert widths == [int(found) for found in re.findall(r"\d+", listed[name])]
    assert [len(tpu.s_axil.awaddr), len(tpu.s_axil.wdata)] == [int(n) for n in re.findall(r"\d+", listed["s_axil"])]


def test_the_program_runs_and_gives_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").symlink_to(ROOT / "docs")
    (program,) = blocks("tpu", PAGE)
    assert program == Path("docs/examples/layer.tpu").read_text()
    make, run, compare = next(block.splitlines() for block in blocks("", PAGE) if "layer.py" in block)
    python, *arguments = shlex.split(make)
    assert python == "python"
    subprocess.run([sys.executable, *arguments], check=True)
    done = CliRunner().invoke(app, [*shlex.split(run)[1:], "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures["passed"] and f"It takes {figures['cycles']} cycles" in TEXT
    active = round(figures["where_cycles_went"]["active"] * figures["cycles"])
    assert f"cycles, {active} of them with a row entering the array" in TEXT
    command, *files = compare.split()
    assert command == "cmp" and filecmp.cmp(*files, shallow=False)

    (error,) = (block for block in blocks("text", PAGE) if "layer.tpu" in block)
    (given,) = re.findall(r"With `(--memory host_1=\d+)`", PAGE)
    done = CliRunner().invoke(app, re.sub(r"--memory host_1=\d+", given, run).split()[1:])
    assert done.exit_code == 2 and f"error: {error}" in done.stderr


def test_the_convolution_is_one(seed: int) -> None:
    """The page's lines between those that bring image and weights."""
    rng, config = np.random.default_rng(seed), PRESETS["tpu-tiny"]
    (code,) = (block for block in blocks("text", PAGE) if "convolve ub=-9" in block)
    image, kernels = rng.integers(0, 256, (1, 8, 8, 4), np.uint8), rng.integers(-20, 20, (3, 3, 4, 8), np.int8)
    tiles = [kernels[row, columns].reshape(-1, 8) for columns in (slice(0, 2), slice(2, 3)) for row in range(3)]
    sets = np.zeros(8, [("bias", "<i4"), ("factor", "<f4")])
    sets["factor"] = 0.01
    weights = np.concatenate([tile.reshape(-1).view(np.uint8) for tile in tiles] + [sets.view(np.uint8)])
    text = f"""read_host granules=64
        read_weights tiles=3 rows=8 chunks=1
        read_weights tiles=3 rows=4 chunks=1 address=24
        read_parameters count=1 address=36
        {code}
        write_host window=1 ub=64 granules=128
        halt"""
    host = [image.reshape(-1), np.zeros(512, np.uint8)]
    outcome = run(config, assemble(text), host=host, weights=weights)
    assert outcome.state == "halted"
    assert check_program(config, assemble(text), Room((256, 512), len(weights))) == []
    expected = requantize(convolution(image, kernels, padding=1), np.float32(0.01), 0, np.uint8)
    assert np.array_equal(outcome.host[1].reshape(expected.shape), expected)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_driver_writes_the_registers_that_start_a_program(language: str, tmp_path: Path) -> None:
    """An event that is pending stays so, and the TPU is not busy."""
    (code,) = blocks("c", PAGE)
    code += """
static const struct area host[2] = {{0x200000000, 0x1000}, {0x300000040, 0x500000004}}, weights = {0x400000080, 0x2000};
static const struct area program = {0x1234567890, 48};
"""
    returned, found = drive(tmp_path, language, REGISTERS, code, "run_program(words, program, host, weights)")
    assert returned == 0
    assert found == written(
        REGISTERS, host_0=0x2_0000_0000, host_0_size=0x1000, host_1=0x3_0000_0040, host_1_size=0x5_0000_0004,
        weights=0x4_0000_0080, weights_size=0x2000, program=0x12_3456_7890, program_size=3,
        interrupt_pending=0xFFFF_FFFF, interrupt_enable=REGISTERS["interrupt_enable"].pack(done=1, error=1),
        control=REGISTERS["control"].pack(start=1),
    )  # fmt: skip


def test_numbers_in_sentences() -> None:
    config, pace = PRESETS["tpu-v1"], (TIMING.read_pace or 0) / TIMING.pace_cycles
    assert f"{pace:.1f} bytes a cycle, {TIMING.latency} cycles later" in TEXT
    assert f"a whole tile takes {config.multipliers / pace:,.0f} cycles to come" in TEXT
    repeat = next(field for field in INSTRUCTIONS["matmul"].fields if field.name == "repeat")
    assert f"One `matmul` is up to {repeat.range[1]:,} tiles" in TEXT
    lost = " and ".join(f"{100 * PUBLISHED[name]['non_matrix']:.0f}" for name in ("MLP0", "MLP1"))
    assert f"lost {lost} % of its cycles" in TEXT


def test_a_figure_of_the_readme_is_that_of_the_page() -> None:
    (share,) = re.findall(r"at ([\d.]+) % of its roofline", PAGES["README.md"])
    mine = next(row for row in table("tpu-apps") if row[:2] == ["MLP0", "tpu-v1"])
    assert mine[-1] == f"{share}%" and number(mine[3]) > 0


def test_tables_of_the_benchmark() -> None:
    shares = {"active": 0.15, "useful": 0.146, "weight_stall": 0.8, "weight_shift": 0.02, "non_matrix": 0.03}
    shares |= {"raw": 0.01, "input": 0.015}
    app = {
        "name": "MLP0",
        "preset": "tpu-v1",
        "source": "model",
        "cycles": 428393.04,
        **shares,
        "tops": 13.388,
        "weight_uses": 200,
    }
    app |= {"roofline_tops": 13.6, "roofline_share": 0.9844, "published": {**shares, "raw": 0.033, "tops": 12.3}}
    twin = app | {"preset": "tpu-16", "source": "rtl", "published": None, "tops": 0.047, "roofline_share": 0.9256}
    goals = [{"name": "MLP0 roofline_share", "value": 0.9844, "goal": ">= 0.98", "met": True}]
    cells = ["15.0%", "14.6%", "80.0%", "2.0%", "3.0%", "1.0%", "1.5%"]
    model = ["MLP0", "`tpu-v1`", "cycle model", "428,393", *cells, "200", "13.4", "98.4%"]
    paper = ["MLP0", "the published machine", "measured", "", *cells[:5], "3.3%", "1.5%", "200", "12.3", "90.4%"]
    small = ["MLP0", "`tpu-16`", "Verilog", "428,393", *cells, "200", "0.047", "92.6%"]
    assert FOUND["bench_tables"]({"apps": [app, twin]}) == {"tpu-apps": [model, paper, small]}
    one = {"name": "MLP0", "preset": "tpu-v1", "cycles": 430133, "utilisation": 0.14534, "bit_exact": True}
    one |= {"equals_cycle_model": False, "seconds": 312.7, "cycles_per_second": 1375}
    full = {"digest": "0123456789abcdef", "full_size": [one]}
    assert FOUND["bench_tables"]({"apps": [app, twin], "goals": goals} | full) == {
        "tpu-apps": [model, paper, small],
        "tpu-full-size": [["`0123456789ab`", "MLP0", "430,133", "14.53%", "yes", "no", "313", "1,375"]],
        "tpu-goals": [["MLP0 roofline share", "0.9844", "at least 0.98", "yes"]],
    }
