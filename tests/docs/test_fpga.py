"""What docs/fpga.md says is so."""

import re

from tensorloom.fpga.boards import BOARDS
from tensorloom.fpga.plan import make_plan
from tensorloom.fpga.self_test import LEDS, WATCHDOG_CYCLES
from tensorloom.fpga.tools import PROGRAMS
from tensorloom.hw.eie.config import PRESETS as EIE
from tensorloom.hw.snap.config import PRESETS
from tensorloom.hw.systolic.config import SystolicConfig
from tensorloom.run.jobs import layer_job
from tensorloom.run.registry import engines
from tensorloom.run.snap.benchmark import SEED
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.sim.workloads.layers import find_layer, sample

from .pages import PAGES, number, table

PAGE = PAGES["docs/fpga.md"]
TARGETS = {engine.name: engine.fpga for engine in engines().values() if engine.fpga}


def test_boards() -> None:
    expected = [
        [
            board.name,
            board.device,
            "open tools" if board.toolchain else board.vendor_tool,
            ", ".join(name for name, target in TARGETS.items() if board.name in target.boards),
        ]
        for board in BOARDS.values()
    ]
    assert table("boards") == expected


def test_leds_and_loaders() -> None:
    assert [row[1] for row in table("leds")] == list(LEDS.members)
    assert f"nothing for {WATCHDOG_CYCLES:,} cycles" in PAGE
    controls = {row[0]: row[1:] for row in table("controls")}
    assert {name: row[3] for name, row in controls.items()} == {
        name: board.loader for name, board in BOARDS.items() if board.toolchain
    }
    for name, row in (controls | {row[0]: row[1:] for row in table("vendor-controls")}).items():
        assert (row[2] != "load again") == (BOARDS[name].reset_button is not None)
    ulx3s = BOARDS["ulx3s-85f"]
    assert (ulx3s.fault_button, ulx3s.reset_button) == (("button_fire", 0), ("button_fire", 1))
    assert list(ulx3s.leds.values()) == [("led", number) for number in range(4)]
    for file in re.findall(r"^ *openFPGALoader -b ulx3s build/fpga/(\S+)$", PAGE, re.MULTILINE):
        folder, name = file.split("/")
        assert name == f"{folder}.bit" and folder.removeprefix("ulx3s-85f-") in TARGETS


def test_goals() -> None:
    matrix, core = (TARGETS[engine].boards["ulx3s-85f"] for engine in ("systolic", "snap"))
    assert isinstance(matrix.config, SystolicConfig)
    sizes = f"{matrix.config.rows} x {matrix.config.columns} PEs at {matrix.frequency_hz / 1e6:g} MHz"
    assert f"The matrix unit is {sizes}" in PAGE
    assert core.config == PRESETS["snap-fpga"] and f"`snap-fpga` at {core.frequency_hz / 1e6:g} MHz" in PAGE
    machine = TARGETS["eie"].boards["ulx3s-85f"]
    assert machine.config == EIE["eie-4x4"] and f"EIE `eie-4x4` at {machine.frequency_hz / 1e6:g} MHz" in PAGE
    for name in ("arty-a7", "arty-z7"):
        goals = [TARGETS[engine].boards[name].frequency_hz / 1e6 for engine in ("systolic", "snap")]
        assert goals == [100, 60]
    assert "the goals of 100 MHz (matrix\nunit) and 60 MHz (SNAP core)" in PAGE
    assert f"the {BOARDS['ulx3s-85f'].capacity['lut']:,} LUTs" in PAGE


def test_files_of_a_project() -> None:
    target = TARGETS["systolic"].boards["arty-a7"]
    config = target.config.replace(rows=4, columns=14)
    plan = make_plan("arty-a7", "systolic", TARGETS["systolic"], config, target.frequency_hz, vendor=True)
    named = {name for files, _ in table("project") for name in files.split(", ")}
    files = plan.build.files  # pyrefly: ignore[missing-attribute]  # not in the stubs
    assert named - {"build_top.json"} == set(files) - {"build_top.json"}
    script = str(files["top.tcl"])
    written = set(re.findall(r"\b(top\w*\.(?:rpt|dcp|bit))`", PAGE))
    assert written == {"top_timing.rpt", "top_route.dcp", "top.bit"}
    assert all(name in script for name in written)
    assert "VIVADO" in str(files["build_top.sh"])


def test_programs() -> None:
    text = PAGE.replace("\n", " ")
    names = re.search(r"((?:`[A-Z0-9_]+`(?:, | and ))+`[A-Z0-9_]+`) can name other programs", text)
    assert names
    assert set(re.findall(r"[A-Z0-9_]+", names[1])) == set(PROGRAMS)


def test_choice_of_the_core() -> None:
    """Useful products a cycle of cores of about the same size, by the cycle model."""
    preset, rows = PRESETS["snap-fpga"], table("snap-choice")
    layer = re.search(r"`(resnet50/\w+)` \(3 x 3, part (\S+), densities (\S+)\)", PAGE)
    assert layer
    for pes, multipliers, entries, products, utilisation in rows:
        aim = int(entries)
        config = preset.replace(
            core_rows=int(pes.split()[0]), pe_multipliers=int(multipliers), aim_entries=aim, weight_entries=4 * aim,
            activation_entries=4 * aim,
        )  # fmt: skip
        name, part, density = layer.groups()
        whole, sizes = find_layer(name), map(int, part.replace(",", "x").split("x"))
        assert whole
        job = layer_job(sample(whole, *sizes), *map(float, density.split("/")), bits=config.data_bits, seed=SEED)
        assert job.convolution is not None
        found = simulate_core(config, map_convolution(config, job.a[0], job.b, **job.convolution))
        share = found.utilisation(config.multipliers)
        assert [products, utilisation] == [f"{share * config.multipliers:.1f}", f"{share:.0%}"]
        assert pes != "7 x 3" or config == preset
    assert max(rows, key=lambda row: number(row[3]))[0] == "7 x 3"
