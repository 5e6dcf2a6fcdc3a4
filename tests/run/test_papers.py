"""Figures of papers: what is said of them, and that there is something behind each."""

import importlib

import pytest

from tensorloom.run import papers
from tensorloom.run.registry import engines

FIGURES = [(engine, name) for engine in engines().values() for name in engine.paper_figures]


def test_names_differ() -> None:
    names = [name for _, name in FIGURES]
    assert len(set(names)) == len(names) >= 9


@pytest.mark.parametrize(("engine", "name"), FIGURES, ids=lambda one: getattr(one, "name", one))
def test_every_value_of_a_paper_has_a_source(engine, name: str) -> None:
    figure = engine.paper_figures[name]
    assert figure.paper in (papers.SNAP_PAPER, papers.TPU_PAPER, papers.LECTURE)
    assert figure.published and all(value.where for value in figure.published.values())
    assert figure.title and figure.why.endswith(".") and figure.minutes > 0
    assert len(figure.why) < 500


@pytest.mark.parametrize("engine", dict.fromkeys(engine for engine, _ in FIGURES), ids=lambda engine: engine.name)
def test_something_makes_each_figure(engine) -> None:
    module = importlib.import_module(f"tensorloom.run.{engine.package}.figures")
    assert list(module.REPRODUCE) == list(engine.paper_figures)
