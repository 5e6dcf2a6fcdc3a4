"""Planted faults: of an engine a few, of others with ``-m slow``; what isn't noticed is in the records."""

import dataclasses
import json
from pathlib import Path

import pytest

from tensorloom.hw.errors import UsageError
from tensorloom.run.contract import Engine
from tensorloom.run.mutation.campaign import mutate
from tensorloom.run.mutation.records import is_stale, read_records, write_record
from tensorloom.run.mutation.report import EQUIVALENT, PROOFS, SURVIVED, MutationReport, Verdict
from tensorloom.run.registry import Design, engines, find_preset

from ..marks import slow
from ..mutants import mutant

ENGINES = list(engines().values())
COUNT = 20
"""Faults an engine; more with: tensorloom mutate PRESET --count 600."""


def smallest(engine: Engine) -> Design:
    name = min(engine.presets, key=lambda name: engine.presets[name].multipliers)
    return Design(engine=engine, name=name, config=engine.presets[name])


# Compiling an engine with its faults is most of the time: by default one is enough.
@pytest.fixture(
    scope="module", params=slow(ENGINES, lambda engine: engine is not ENGINES[0]), ids=lambda engine: engine.name
)
def report(request: pytest.FixtureRequest) -> MutationReport:
    return mutate(smallest(request.param), count=COUNT, seed=1)


def test_nothing_slips_through(report: MutationReport) -> None:
    assert len(report.verdicts) == COUNT
    assert report.unfit == [], "testbenches that don't pass on the design itself"
    assert [str(mutant) for mutant in report.survivors] == []
    fates = {verdict.fate for verdict in report.verdicts}
    assert "programs" in fates and any("." in fate for fate in fates), "programs don't fail for another reason"


def test_scores() -> None:
    fates = ["programs", "ring.work", EQUIVALENT, SURVIVED, PROOFS]
    verdicts = [Verdict(mutant=mutant(number), fate=fate) for number, fate in enumerate(fates, 1)]
    verdicts.append(Verdict(mutant=mutant(6, "other"), fate=EQUIVALENT))
    report = MutationReport(design="tiny", digest="0", seed=1, verdicts=verdicts)
    assert report.score == pytest.approx(3 / 4)
    assert report.scores()["block"] == report.scores()["all"] | {"mutants": 5, "equivalent": 1}
    assert report.scores()["all"] | {"score": 0} == {
        "mutants": 6, "equivalent": 2, "programs": 1, "benches": 1, "proofs": 1, "survived": 1, "score": 0,
    }  # fmt: skip
    assert report.scores()["other"]["score"] == 1
    assert report.figures()["survivors"] == ["hw/x.py:3: block: bit 2 of port A of $1 (w[0]) inverted"]


def test_unknown_block() -> None:
    design = find_preset("tiny")
    assert design
    with pytest.raises(UsageError, match=r"block must be one of .*weight_fifo.*, not 'ram_9'"):
        mutate(design, count=10, block="ram_9")


def test_records(tmp_path: Path) -> None:
    kept = read_records()
    recorded = [find_preset(record["design"].split()[0]) for record in kept]
    assert {design.engine.name for design in recorded if design} == {engine.name for engine in ENGINES}
    write_record(kept[0], tmp_path)
    assert read_records(tmp_path) == kept[:1]
    assert is_stale(kept[0] | {"digest": "0"}) and is_stale(kept[0] | {"design": "gone"})
    for record in kept:
        counts = record["blocks"]["all"]
        assert counts["mutants"] >= 300 and counts["survived"] == len(record["survivors"])
        assert record["score"] >= 0.975


def test_reports_are_plain_values(report: MutationReport) -> None:
    assert json.loads(json.dumps(report.figures())) == report.figures()
    assert dataclasses.replace(report, unfit=["x"]).figures()["unfit"] == ["x"]
