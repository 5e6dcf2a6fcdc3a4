"""Entry point of the installed program, which an interrupt stops in silence even while the commands are imported."""

import os
import signal
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Run the program. Nothing of tensorloom, and no package, is imported before an interrupt can come."""
    catches = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # ignored in the background of a shell
    if catches:
        signal.signal(signal.SIGINT, _stop)
    from .main import main as run

    if catches:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _stop(number: int, frame: Any) -> None:
    """End at once: there is nothing yet to be tidied up, and packages turn an exception into others of their own."""
    os.write(2, b"error: interrupted\n")
    os._exit(128 + number)
