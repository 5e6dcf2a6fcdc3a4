"""``tensorloom explore``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest


def test_page(run: Callable, tmp_path: Path) -> None:
    args = "explore", "tiny", "--matmul", "2x3x4", "-o", tmp_path / "page.html"
    result = run(*args, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "product 2x3 by 3x4 on tiny" in page
    assert f"{len(found['steps'])} cycles; open it in a browser" in run(*args).stdout


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("tpu-tiny", "--matmul", "2x2x2", "-o", "a.html"), "engine must be one that can be explored (systolic, snap)"),
        (("tiny", "--matmul", "2x2x2", "-o", "a.svg"), "a.svg must end in .html"),
        (("tiny", "-o", "a.html"), "give --matmul MxKxN or --shape HxWxC,RxS,K"),
        (("tiny", "--matmul", "2x2x2", "--density", "0.5/1", "-o", "a.html"), "--density goes with --shape"),
        (("tiny", "--matmul", "2x2x20", "-o", "a.html"), "must be an integer from 1 to 8, not 20"),
        (("tiny", "--shape", "4x4x4,3x3,2", "-o", "a.html"), "of rank 2"),
    ],
)
def test_refusals(fails: Callable, args: tuple[str, ...], text: str) -> None:
    assert text in fails("explore", *args, code=2)
