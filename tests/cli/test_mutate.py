"""``tensorloom mutate`` as a user calls it."""

import json
from collections.abc import Callable

import pytest


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tiny", "--block", "ram_9"), "block must be one of accumulator_column, "),
        (("tiny", "--at-least", "nan"), "Invalid value for '--at-least'"),
        (("tiny", "--count", "0"), "Invalid value for '--count' / '-n'"),
        (("tinny",), "preset must be one of"),
    ],
)
def test_wrong_options(fails: Callable, arguments: tuple[str, ...], message: str) -> None:
    assert message in fails("mutate", *arguments, code=2)
