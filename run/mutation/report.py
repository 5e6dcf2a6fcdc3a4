"""What became of the faults that were planted in a design."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ...tb.mutation.mutants import Mutant

__all__ = ["COUNTERS", "EQUIVALENT", "PROGRAMS", "PROOFS", "SURVIVED", "MutationReport", "Verdict"]

PROGRAMS, COUNTERS, PROOFS, EQUIVALENT, SURVIVED = "programs", "counters", "proofs", "equivalent", "survived"
"""Fates beside the names of testbenches."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a mutant.

    Attributes
    ----------
    fate
        What noticed it: `PROGRAMS`, the testbench's name, `COUNTERS` or `PROOFS`; else `EQUIVALENT` or `SURVIVED`.
    """

    mutant: Mutant
    fate: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MutationReport:
    """Verdicts on all mutants of a design.

    Attributes
    ----------
    design, digest, seed
        Which design, hash of the netlist that was mutated, and the seed of the choice and of all random numbers.
    verdicts
        By mutant.
    unfit
        Testbenches and proofs that don't pass on this configuration without any fault, and so took no part.
    """

    design: str
    digest: str
    seed: int
    verdicts: Sequence[Verdict]
    unfit: Sequence[str] = ()

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that nothing noticed and that are not proven equivalent."""
        return [verdict.mutant for verdict in self.verdicts if verdict.fate == SURVIVED]

    @property
    def score(self) -> float:
        """Killed mutants as a share of those not equivalent."""
        return self.scores()["all"]["score"]

    def scores(self) -> dict[str, dict[str, Any]]:
        """By block, and ``all``: mutants, equivalent ones, what noticed how many, survivors, and the score.

        Counters near their end count as testbenches.
        """
        fates: dict[str, Counter[str]] = {"all": Counter()}
        for verdict in self.verdicts:
            for name in ("all", verdict.mutant.block):
                fates.setdefault(name, Counter())[verdict.fate] += 1
        table = {}
        for name, counts in fates.items():
            real = counts.total() - counts[EQUIVALENT]
            table[name] = {
                "mutants": counts.total(),
                "equivalent": counts[EQUIVALENT],
                "programs": counts[PROGRAMS],
                "benches": real - counts[PROGRAMS] - counts[PROOFS] - counts[SURVIVED],
                "proofs": counts[PROOFS],
                "survived": counts[SURVIVED],
                "score": round(1 - counts[SURVIVED] / real, 4) if real else 1.0,
            }
        return table

    def figures(self) -> dict[str, Any]:
        """Values for JSON."""
        fates = Counter(verdict.fate for verdict in self.verdicts)
        return {
            "design": self.design,
            "digest": self.digest,
            "seed": self.seed,
            "score": self.score,
            "blocks": self.scores(),
            "fates": dict(sorted(fates.items())),
            "unfit": list(self.unfit),
            "survivors": [str(mutant) for mutant in self.survivors],
        }
