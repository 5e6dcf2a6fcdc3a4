"""The pages as a site: it is built without a warning, and nothing in it comes from elsewhere."""

import json
import os
import re
import shlex
import subprocess
import sys
from html import escape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tensorloom.cli.main import app

from .pages import PAGES, ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    # Whoever goes to the network meets a proxy that isn't there.
    nowhere = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    environment = os.environ | nowhere | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return folder


def test_every_page_and_picture_is_there(site: Path) -> None:
    pages = {Path(name).stem for name in PAGES if name != "README.md"}
    assert pages <= {path.stem for path in site.glob("*.html")}
    start = (site / "index.html").read_text(encoding="utf-8")
    for page in pages - {"index"}:
        assert f'href="{page}.html"' in start, page
    assert {path.name for path in (ROOT / "docs").glob("*.svg")} <= {path.name for path in site.glob("*.svg")}
    assert not (site / "draw").exists()
    assert (site / "source/sim/data/energy_45nm.toml").read_bytes() == (ROOT / "sim/data/energy_45nm.toml").read_bytes()


def test_notebook_is_a_page_with_its_outputs(site: Path) -> None:
    page = (site / "sizing.html").read_text(encoding="utf-8")
    notebook = json.loads((ROOT / "docs/sizing.ipynb").read_text(encoding="utf-8"))
    printed = [output["text"] for cell in notebook["cells"] for output in cell.get("outputs", ()) if "text" in output]
    assert printed and all(escape(line.rstrip(), quote=False) in page for lines in printed for line in lines)
    assert page.count('src="data:image/svg+xml;base64,') == 1 and "```" not in page and "execution_count" not in page
    for name in ("index.html", "performance.html"):
        text = (site / name).read_text(encoding="utf-8")
        assert text.count('href="sizing.html"') > 1 and "sizing.ipynb" not in text  # by navigation, and by a link


def test_nothing_is_fetched(site: Path) -> None:
    for path in site.glob("*.html"):
        for tag in re.findall(r"<(?:script|img|iframe|link)\b[^>]*>", path.read_text(encoding="utf-8")):
            assert 'rel="canonical"' in tag or not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", tag), (
                path.name,
                tag,
            )
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")), path


def test_reference_is_that_of_the_docstrings(site: Path) -> None:
    text = (site / "reference.html").read_text(encoding="utf-8")
    for name in ("Accelerator.matmul", "Accelerator.convolution", "Accelerator.verilog", "engine", "presets"):
        assert f'id="tensorloom.run.accelerator.{name}"' in text, name
    assert "Probability that a stream pauses in a cycle, and seed of the pauses." in text
    assert ":::" not in text


def test_outputs_are_those_of_the_commands() -> None:
    """What a page shows of a command's output are its first lines."""
    pattern = r"<!-- output: tensorloom ([^\n]*?) \(checked by tests/docs/test_site.py\) -->\n\n```text\n(.*?)```"
    found = [match for text in PAGES.values() for match in re.findall(pattern, text, re.DOTALL)]
    assert found
    for command, shown in found:
        result = CliRunner().invoke(app, shlex.split(command))
        assert result.exit_code == 0, result.output
        lines = [line.rstrip() for line in result.stdout.splitlines()]
        assert lines[: len(shown.splitlines())] == [line.rstrip() for line in shown.splitlines()], command
