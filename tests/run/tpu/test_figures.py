"""Figures of the TPU paper and the lecture."""

import pytest

from tensorloom.run.progress import silent
from tensorloom.run.tpu import figures
from tensorloom.run.tpu.papers import FIGURES, PUBLISHED


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that count what was published, and a thousand cycles an instruction."""
    others = {"roofline_share": 0.5, "instructions": 10, "cycles": 10000}
    monkeypatch.setattr(figures, "_figures", lambda name: PUBLISHED[name] | others)


@pytest.mark.usefixtures("counted")
def test_equal_networks_give_the_published_figures() -> None:
    found = figures.applications(silent)
    assert found == {what: one.value for what, one in FIGURES["tpu-table3"].published.items()}
    assert found["CNN0, TOPS"] == 86


@pytest.mark.usefixtures("counted")
def test_roof() -> None:
    found, published = figures.roofline(silent), FIGURES["tpu-roofline"].published
    assert list(found) == list(published)
    for what in ("ridge, operations a byte of weights", "peak, TOPS"):
        assert found[what] == pytest.approx(float(published[what].value), rel=0.005)
    # 12.3 TOPS of 200 uses of 34 GB/s, and 86 of 92.
    assert published["MLP0, share of the roofline"].value == pytest.approx(12.3 / 13.6, abs=1e-3)
    assert published["CNN0, share of the roofline"].value == pytest.approx(86 / 92, abs=1e-3)
    assert found["MLP0, share of the roofline"] == 0.5


@pytest.mark.usefixtures("counted")
def test_overheads() -> None:
    found, published = figures.amortisation(silent), FIGURES["tensor-cores"].published
    assert set(published) <= set(found)
    assert [found[what] for what in list(published)[:3]] == [2000, 500, 31.25]
    assert found["cycles an instruction of the TPU"] == 1000
    each = found["multiply-accumulates an instruction, MLP1"]
    assert found["overhead of the TPU's instructions, MLP1, %"] == pytest.approx(2000 / each, rel=0.1)
