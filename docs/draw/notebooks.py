"""For the site: notebooks among the pages become pages, with the outputs that are in them."""

import base64
import json
import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

__all__ = ["on_files", "on_page_markdown"]

LINK = re.compile(r"\]\(([\w/-]+)\.ipynb\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put a page into the place of each notebook."""
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        page = _page(json.loads(file.content_string))
        files.remove(file)
        files.append(File.generated(config, file.src_uri.removesuffix(".ipynb") + ".md", content=page))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links to notebooks lead to their pages."""
    return LINK.sub(r"](\1.md)", markdown)


def _page(notebook: dict[str, Any]) -> str:
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [_output(output) for output in cell.get("outputs", ())]
    return "\n\n".join(parts) + "\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {"text/plain": output.get("text", ())})
    if "image/svg+xml" in data:
        picture = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
        return f'<img alt="the plot that the cell draws" src="data:image/svg+xml;base64,{picture}">'
    return f"```text\n{''.join(data['text/plain']).rstrip()}\n```"
