"""A page to step through a recorded run: one file, which fetches nothing."""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

__all__ = ["explorer_page"]

PAGE = Path(__file__).parent / "explorer_page.html"


def explorer_page(title: str, recorded: Mapping[str, Any], causes: Mapping[str, str]) -> str:
    """HTML of what `Engine.explore` gave; `causes` are the engine's."""
    data = json.dumps({**recorded, "states": dict(causes)}, separators=(",", ":")).replace("<", "\\u003c")
    page = PAGE.read_text(encoding="utf-8").replace("@TITLE@", escape(title))
    return page.replace("@DATA@", data)
