"""How an engine gets onto boards: its self-test, and the configurations that fill them. It doesn't import Amaranth."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..hw.config import Config

if TYPE_CHECKING:
    from .self_test import SelfTest

__all__ = ["BoardConfig", "FpgaTarget"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BoardConfig:
    """What is built for an engine on a board where nothing else is asked for.

    Parameters
    ----------
    config
        The engine's configuration.
    frequency_hz
        Clock to reach.
    """

    config: Config
    frequency_hz: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class FpgaTarget:
    """An engine on FPGAs.

    Parameters
    ----------
    self_test
        The self-test of a configuration, ``self_test(config, heartbeat_bits=...)``.
    boards
        What is built, by board.
    mapped_once
        Map each repeated module once. It is worth it for many large ones; what a small module shares with its
        neighbours is found only in the flattened design.
    reset_modules
        Class of the modules that get `with_reset_registers`, or None. The test's first beat is two cycles later.
    """

    self_test: Callable[..., "SelfTest"]
    boards: Mapping[str, BoardConfig]
    mapped_once: bool = False
    reset_modules: str | None = None

    @staticmethod
    def later(module: str, name: str) -> Callable[..., Any]:
        """A function of a module of this package that is imported at the first call."""

        def call(*args: Any, **kwargs: Any) -> Any:
            import importlib

            return getattr(importlib.import_module(f".{module}", __package__), name)(*args, **kwargs)

        return call
