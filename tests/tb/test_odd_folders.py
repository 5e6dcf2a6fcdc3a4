"""Names of folders that a shell or make would take apart: for temporary files, for results."""

import tempfile
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from tensorloom.hw.common.ram import Ram
from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.area import measure_area
from tensorloom.tb.formal import Assert, ProofError, prove
from tensorloom.tb.lint import lint

ODD = "my $HOME & (1); '\"\\`#:|<>"


class Counter(wiring.Component):
    """A specification that is true for 2 bits."""

    def __init__(self, highest: int) -> None:
        self.highest = highest
        super().__init__({"step": In(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        count = Signal(2)
        m.d.sync += count.eq(count + self.step)
        m.d.comb += Assert(count <= self.highest)
        return m


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files has an odd name, and must be empty in the end."""
    folder = tmp_path / ODD
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_emission_lint_area_and_proofs(odd: Path) -> None:
    emission = emit(Ram(8, 4))
    assert lint(emission) == [] and measure_area(emission).gates == 0  # a macro
    prove(Counter(3))
    with pytest.raises(ProofError, match="Assert failed"):
        prove(Counter(2))
    assert list(odd.iterdir()) == []


def test_an_emission_in_an_odd_folder(odd: Path) -> None:
    emit(Ram(8, 4)).write(odd / ODD)
    assert lint(odd / ODD) == []
    path = odd / ODD / "ram.v"
    path.write_text(path.read_text().replace("assign o_read_data = _0_", "assign o_read_data = missing"))
    assert any(message.startswith("ram.v:") for message in lint(odd / ODD))
