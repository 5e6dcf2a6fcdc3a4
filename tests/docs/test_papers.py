"""Figures of the papers as they stand on their page."""

from tensorloom.run.registry import engines

from .pages import table


def test_figures_are_listed() -> None:
    figures = {name: one.title for engine in engines().values() for name, one in engine.paper_figures.items()}
    assert dict(table("figures")) == figures
