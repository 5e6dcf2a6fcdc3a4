"""For the site: files of the repository that pages link to, beside the pages, go into the site too."""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

__all__ = ["on_files", "on_page_markdown"]

ROOT = Path(__file__).parent.parent.parent
LINK = re.compile(r"\]\(\.\./([\w./-]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what links that lead out of the folder of pages lead to, under ``source/``."""
    found = {name for file in files.documentation_pages() for name in LINK.findall(file.content_string)}
    for name in sorted(found):
        files.append(File.generated(config, f"source/{name}", abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let these links lead there."""
    return LINK.sub(r"](source/\1)", markdown)
