"""Run notebooks and put their outputs into them: ``python scripts/notebook.py docs/sizing.ipynb``.

Cells run one after the other in this process, in the notebook's folder, without Jupyter. Outputs are what is printed,
and the value of a cell's last line: its picture, if it has one, or its text.
"""

import argparse
import ast
import contextlib
import io
import json
from pathlib import Path
from typing import Any

from tensorloom.hw.emit.files import write_files

__all__ = ["main", "run_notebook"]


def run_notebook(path: Path) -> dict[str, Any]:
    """The notebook with the outputs that its cells have now; it is not written.

    Raises
    ------
    Exception
        What a cell raises.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    with contextlib.chdir(path.parent):
        for number, cell in enumerate(cells, 1):
            cell["execution_count"] = number
            cell["outputs"] = _run("".join(cell["source"]), f"{path.name}, cell {number}", names, number)
    return notebook


def _run(source: str, place: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    body = ast.parse(source, place).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), place, "exec"), names)
        value = eval(compile(ast.Expression(last.value), place, "eval"), names) if isinstance(last, ast.Expr) else None
    lines = printed.getvalue().splitlines(keepends=True)
    outputs: list[dict[str, Any]] = [{"name": "stdout", "output_type": "stream", "text": lines}] if lines else []
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        if draw := getattr(value, "_repr_svg_", None):
            data = {"image/svg+xml": draw().splitlines(keepends=True), "text/plain": ["picture"]}
        result = {"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"}
        outputs.append(result)
    return outputs


def main() -> None:
    """Run, and write what changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", type=Path, nargs="+", metavar="FILE")
    for path in parser.parse_args().notebooks:
        text = json.dumps(run_notebook(path), indent=1, ensure_ascii=False) + "\n"
        write_files(path.parent, {path.name: text})
        print(path)


if __name__ == "__main__":
    main()
