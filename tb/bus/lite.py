"""Software on AXI4-Lite: an actor of testbenches for both simulators."""

import random
from collections.abc import Mapping
from typing import Any

__all__ = ["Access", "Software"]

OKAY, SLVERR = 0, 2


class Access:
    """One access.

    Parameters
    ----------
    address
        Where.
    data, strobe
        What to write to which bytes; a read if there are no data.
    """

    def __init__(self, address: int, data: int | None = None, strobe: int = 15) -> None:
        self.address, self.data, self.strobe = address, data, strobe
        self.answer: tuple[int, int] | None = None
        """Response, and what was read."""


class Software:
    """Carries out one access; each channel stalls for itself, so that address and data come in any order.

    Parameters
    ----------
    stall
        Probability of doing nothing in a cycle, by channel: ``aw``, ``w``, ``b``, ``ar``, ``r``.
    """

    def __init__(self, access: Access, stall: Mapping[str, float], rng: random.Random) -> None:
        self.access, self.stall, self.rng = access, stall, rng
        self.owed = {"ar"} if access.data is None else {"aw", "w"}
        self._answer = "r" if access.data is None else "b"
        self._offered: set[str] = set()
        self._ready: dict[str, bool] = {}
        self._waiting: tuple[int, ...] | None = None

    @property
    def done(self) -> bool:
        """It was answered."""
        return self.access.answer is not None

    def drive(self) -> dict[str, Any]:
        """What is offered on three channels, ready on two; rubbish where nothing is offered."""
        self._offered |= {name for name in sorted(self.owed) if self.rng.random() >= self.stall[name]}
        self._ready = {name: self.rng.random() >= self.stall[name] for name in ("b", "r")}
        access, inputs = self.access, {}
        for name in ("aw", "ar"):
            inputs[f"{name}addr"] = access.address if name in self._offered else 0
        inputs |= {"wdata": self.rng.getrandbits(32), "wstrb": 15, "awprot": 0, "arprot": 0}
        if "w" in self._offered:
            inputs |= {"wdata": access.data, "wstrb": access.strobe}
        inputs |= {f"{name}valid": int(name in self._offered) for name in ("aw", "w", "ar")}
        inputs |= {f"{name}ready": int(ready) for name, ready in self._ready.items()}
        return {f"s_axil_{name}": value for name, value in inputs.items()}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """See what was taken, and what was answered."""
        see = {name.removeprefix("s_axil_"): value for name, value in outputs.items()}
        other = "b" if self._answer == "r" else "r"
        assert not see[f"{other}valid"], "an answer that nobody waits for"
        if see[f"{self._answer}valid"]:
            assert not self.owed and not self.done, "an answer before its time"
            answer = (see[f"{self._answer}resp"], see["rdata"] if self._answer == "r" else 0)
            assert self._waiting in (None, answer), "an answer changed while it waited"
            self._waiting = answer
            if self._ready[self._answer]:
                self.access.answer = answer
        else:
            assert self._waiting is None, "an answer was withdrawn"
        taken = {name for name in self._offered if see[f"{name}ready"]}
        self._offered -= taken
        self.owed -= taken
        return bool(taken) or self.done
