"""What all pages have: commands that parse and run, Python that runs, links that lead somewhere."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
from typer.testing import CliRunner

from tensorloom.cli.main import app
from tensorloom.hw.emit.waivers import WAIVERS
from tensorloom.run.jobs import Job, golden
from tensorloom.run.registry import engines
from tensorloom.sim.golden.geometry import ConvolutionSteps
from tensorloom.sim.systolic.operands import OperandKind

from ..sim.network.float_models import flat_digits, perceptron
from .pages import PAGES, ROOT, blocks, table


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
    Path("docs").symlink_to(ROOT / "docs")
    Path("digits_cnn.onnx").touch()
    for file, shape in (
        ("image", (1, 6, 7, 8)),
        ("kernels", (3, 3, 8, 4)),
        ("activations", (5, 9)),
        ("weights", (9, 6)),
    ):
        np.save(f"{file}.npy", np.ones(shape, np.int8))
    perceptron(Path("model.onnx"))
    for file, values in zip("xey", flat_digits(), strict=True):
        np.save(f"{file}.npy", values)
    group: Any = typer.main.get_command(app)
    ran = 0
    for args, target in commands():
        command, rest = group, args
        while hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        if rest or args[0] != "fpga":  # `tensorloom fpga build` in a sentence lacks its board
            command.make_context(args[0], rest)  # raises for unknown options and missing files
        cheap = args in (["reproduce", "--list"], ["reproduce", "snap-fig5"]) or args[0] in (
            "list",
            "config",
            "verilog",
            "registers",
            "lint",
            "compress",
        )
        if cheap and not {"systolic-256", "build/half", "DIR"} & set(args):
            result = CliRunner().invoke(app, args)
            assert result.exit_code == 0, (args, result.output)
            ran += 1
            if target:
                Path(target).write_text(result.stdout)
    assert ran >= 4 and len(commands()) > ran


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if blocks("python", text)])
def test_python(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code in blocks("python", PAGES[page]):
        exec(code, names)
    others = {"docs/snap_chip.md": "(4, 4, 8)\n", "docs/tpu.md": "198 784\n", "docs/networks.md": "'softmaxout_1'"}
    others["docs/performance.md"] = "systolic-16 rows="
    others["docs/testbench.md"] = "weight_fifo ['i_weights']"
    assert others.get(page, "(6, 7, 4) ") in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_scripts_and_links_exist(page: str) -> None:
    text, folder = PAGES[page], (ROOT / page).parent
    for name in re.findall(r"\bscripts/(\w+(?:\.py)?)", text):
        assert (ROOT / "scripts" / name).stat().st_mode & 0o111, name
    for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", text):
        assert not link or (folder / link).is_file(), link
        target = PAGES[str((folder / link).relative_to(ROOT))] if anchor and link else text
        assert not anchor or anchor in anchors(target), anchor
    for path in re.findall(r"`((?:hw|sim|tb|run|cli|fpga|tests)/[\w/.]*)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"scripts/test .*?(tests/[\w/.]+)", text):
        assert (ROOT / path).exists(), path


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_short_and_names_every_engine_and_page() -> None:
    readme = PAGES["README.md"]
    assert len(readme.splitlines()) <= 150
    assert [row[0] for row in table("engines")] == [f"[{e.name}](docs/{e.package}.md)" for e in engines().values()]
    assert {page for page in PAGES if page != "README.md"} <= set(re.findall(r"\]\((docs/\w+\.md)\)", readme))


def test_waivers() -> None:
    text = " ".join(PAGES["docs/integration.md"].split())
    assert f"waives: {', '.join(dict.fromkeys(waiver[0] for waiver in WAIVERS))}. The file" in text


def test_types() -> None:
    kinds = ", ".join(str(kind.value) for kind in OperandKind)
    rows = table("types")
    assert [row[0] for row in rows] == list(engines())
    assert rows[0][1].startswith(kinds)
    for engine, _, sums in rows:
        chosen = engines()[engine]
        config = next(iter(chosen.presets.values()))
        (bits,) = re.findall(r"have to fit `?(\w+)", sums)
        assert (int(bits) if bits.isdecimal() else getattr(config, bits)) == chosen.sum_bits(config)


@pytest.mark.parametrize("row", table("layouts"), ids=lambda row: row[0])
def test_layouts(row: list[str]) -> None:
    """The formulas of the table are the shapes that golden models take and give."""
    sizes = {"M": 2, "K": 6, "N": 3, "H": 5, "W": 4, "C": 8, "R": 3, "S": 2, "C / groups": 4}

    def shape(text: str) -> tuple[int, ...]:
        return tuple(sizes[size] for size in text.split(" x "))

    kind, activations, weights, result = row
    convolution: ConvolutionSteps | None = {"groups": 2} if kind == "convolution" else None
    sizes |= {"X": 3, "Y": 3} if convolution else {}
    job = Job(name=kind, a=np.ones(shape(activations), int), b=np.ones(shape(weights), int), convolution=convolution)
    assert golden(job).shape == shape(result)
