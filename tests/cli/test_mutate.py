"""``tensorloom mutate`` as a user calls it."""

import json
from collections.abc import Callable

import pytest

from tensorloom.run.mutation import campaign
from tensorloom.run.mutation.report import PROGRAMS, SURVIVED, MutationReport, Verdict

from ..mutants import mutant


def test_json_and_score(program: Callable) -> None:
    done = program("mutate", "tiny", "--block", "weight_loader", "--count", 6, "--seed", 2, "--at-least", 0.5, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    total = found["blocks"]["all"]
    assert set(found["blocks"]) == {"all", "weight_loader"} and total == found["blocks"]["weight_loader"]
    assert found["design"] == "tiny" and found["seed"] == 2 and total["mutants"] == 6
    assert total["equivalent"] + total["programs"] + total["benches"] + total["proofs"] + total["survived"] == 6
    assert found["survivors"] == [] and found["unfit"] == [] and found["score"] == 1
    assert "Running programs" in done.stderr


def test_a_score_that_is_too_low(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two faults is left."""
    verdicts = [Verdict(mutant=mutant(number), fate=fate) for number, fate in enumerate((PROGRAMS, SURVIVED), 1)]
    report = MutationReport(design="tiny", digest="0", seed=1, verdicts=verdicts)
    monkeypatch.setattr(campaign, "mutate", lambda *_, **__: report)
    result = run("mutate", "tiny", "--at-least", 0.9)
    assert result.exit_code == 1 and result.stdout.endswith("tiny: 1 of 2 faults noticed, 50.0%\n")
    assert result.stderr == "error: the score, 50.00%, is less than --at-least 0.9\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tiny", "--block", "ram_9"), "block must be one of accumulator_column, "),
        (("tiny", "--at-least", "nan"), "Invalid value for '--at-least'"),
        (("tiny", "--count", "0"), "Invalid value for '--count' / '-n'"),
        (("tinny",), "preset must be one of"),
        (("tiny", "--block", "ram", "--record"), "--record keeps results of whole designs: leave --block out"),
        (("tiny", "--count", "60", "--record"), "--record would replace a record of 400 faults by one of 60"),
    ],
)
def test_wrong_options(fails: Callable, arguments: tuple[str, ...], message: str) -> None:
    assert message in fails("mutate", *arguments, code=2)


def test_a_block_misspelt(run: Callable) -> None:
    assert run("mutate", "tiny", "--block", "sequenser").stderr.endswith("hint: did you mean sequencer?\n")
