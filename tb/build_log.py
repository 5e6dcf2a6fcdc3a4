"""What went wrong in a build, from its log."""

import re

from ..hw.errors import FailureError

__all__ = ["BuildError", "first_errors"]

ERROR = re.compile(r"%Error|\berror:|undefined reference|\bKilled\b|No space left|Error \d+$|not found")
NOISE = re.compile(r"Exiting due to|Command Failed|^make.*Error \d+$")


class BuildError(FailureError):
    """Verilator or the compiler failed; the message has the first errors and the path of the full log."""


def first_errors(text: str, limit: int = 5) -> str:
    """The first lines of a build log that say what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [line for line in lines if ERROR.search(line)]
    real = [line for line in found if not NOISE.search(line)] or found or lines[-limit:]
    return "\n".join(f"  {line}" for line in list(dict.fromkeys(real))[:limit])
