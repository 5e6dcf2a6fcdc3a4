"""What docs/integration.md says of ports is so."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tensorloom as tl
from tensorloom.hw.bus.config import PortConfig
from tensorloom.hw.bus.reader import Reader
from tensorloom.hw.bus.writer import Writer
from tensorloom.run.registry import engines
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bench import Bench

from .pages import PAGES, ROOT, blocks

PAGE = " ".join(PAGES["docs/integration.md"].split())


@pytest.mark.parametrize(("engine", "channel"), [(Reader, "ar"), (Writer, "aw")])
def test_constants_of_bursts_are_as_the_page_says(engine: type, channel: str) -> None:
    found: dict[str, Any] = {}

    async def look(bench: Bench) -> None:
        found.update(await bench.cycle({}))

    bus = PortConfig()
    simulate(engine(bus), look)
    assert "Bursts are INCR, of full aligned beats" in PAGE and found[f"m_axi_{channel}burst"] == 1
    assert 1 << found[f"m_axi_{channel}size"] == bus.bytes
    assert "normal, bufferable, not cacheable" in PAGE and found[f"m_axi_{channel}cache"] == 0b0011
    assert "All have ID 0" in PAGE and found[f"m_axi_{channel}id"] == 0
    assert "RREADY and BREADY are always 1" in PAGE and found[f"m_axi_{'r' if channel == 'ar' else 'b'}ready"] == 1
    assert found.get("m_axi_wstrb", -1) in (-1, (1 << bus.bytes) - 1)


def test_engines_with_registers_are_those_that_are_named() -> None:
    (named,) = re.findall(r"Engines with memory ports, so far (.*?), need", PAGE)
    having = [engine.package for engine in engines().values() if engine.registers(next(iter(engine.presets.values())))]
    assert re.findall(r"\((\w+)\.md#in-a-system\)", named) == having


def write_example(folder: Path) -> None:
    """The page's modules, each in a file of its name."""
    page = PAGES["docs/integration.md"]
    for code in blocks("systemverilog", page):
        name = re.findall(r"^module (\w+)", code, re.MULTILINE)[0]
        assert f"`{name}.sv`" in page
        (folder / f"{name}.sv").write_text(code)


def test_example_prints_what_the_page_says(tmp_path: Path) -> None:
    page = PAGES["docs/integration.md"]
    write_example(tmp_path)
    (commands,) = (code for code in blocks("", page) if "product_unit_tb" in code)
    output, quick = "", os.environ | {"MAKEFLAGS": "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"}  # of the compiler
    for line in commands.splitlines():
        command = shlex.split(line)
        command[:1] = [sys.executable, "-m", "tensorloom.cli.main"] if command[0] == "tensorloom" else command[:1]
        done = subprocess.run(command, cwd=tmp_path, env=quick, capture_output=True, text=True, check=False)
        output = done.stdout
        assert done.returncode == 0 and "%Warning" not in output + done.stderr, output + done.stderr
    assert output.startswith(blocks("text", page)[0])


def test_fusesoc_lints_as_the_page_says(tmp_path: Path) -> None:
    """The emitted core, and one that depends on it: the waivers reach it, and hide nothing of its own."""
    pytest.importorskip("fusesoc")
    page, own = PAGES["docs/integration.md"], tmp_path / "ip"
    tl.engine("tiny").verilog(tmp_path / "build/tiny", axi_stream=True)
    own.mkdir()
    write_example(own)
    (core,) = (code for code in blocks("yaml", page) if "CAPI=2" in code)
    assert "`ip/product_unit.core`" in page
    (own / "product_unit.core").write_text(core)
    (commands,) = blocks("sh", page)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "XDG_CACHE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}

    def lint() -> subprocess.CompletedProcess[str]:
        shell = ["bash", "-ec", commands]
        return subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    done = lint()
    output = done.stdout + done.stderr
    assert done.returncode == 0 and output.count("verilator -f ") == 2 and "WARNING" not in output, output
    text = (own / "product_unit.sv").read_text()
    (own / "product_unit.sv").write_text(text.replace("24'(COMMAND)", "23'(COMMAND)"))
    done = lint()
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "WIDTHEXPAND" in output and "product_unit.sv" in output


def test_continuous_integration_runs_its_script() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert "run: bash .ci/run\n" in workflow and (ROOT / ".ci/run").is_file()
    packages = set(re.search(r"apt-get install -y (.*)", workflow)[1].split())  # pyrefly: ignore[unsupported-operation]
    assert {"g++", "make", "perl"} <= packages
