"""How an engine gets onto boards: its self-test, and the configurations that fill them. It doesn't import Amaranth."""

import dataclasses
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

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
        Who makes the self-test of a configuration: ``module:function`` in this package, as it imports Amaranth.
    boards
        What is built, by board.
    mapped_once
        Map each repeated module once. It is worth it for many large ones; what a small module shares with its
        neighbours is found only in the flattened design.
    reset_modules
        Class of the modules that get `with_reset_registers`, or None. The test's first beat is two cycles later.
    """

    self_test: str
    boards: Mapping[str, BoardConfig]
    mapped_once: bool = False
    reset_modules: str | None = None

    def make_self_test(self, config: Config, *, heartbeat_bits: int = 24) -> "SelfTest":
        """The self-test of a configuration, whose LED changes every 2 ** `heartbeat_bits` cycles."""
        module, _, name = self.self_test.partition(":")
        return getattr(importlib.import_module(f".{module}", __package__), name)(config, heartbeat_bits=heartbeat_bits)
