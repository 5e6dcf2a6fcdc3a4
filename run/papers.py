"""Figures of papers, as published: what `reproduce` puts ours beside."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["LECTURE", "SNAP_PAPER", "TPU_PAPER", "PaperFigure", "Published"]

SNAP_PAPER = 'J.-F. Zhang et al., "SNAP", IEEE JSSC 56(2), 2021'
TPU_PAPER = 'N. Jouppi et al., "In-Datacenter Performance Analysis of a Tensor Processing Unit", ISCA 2017'
LECTURE = 'Stanford CS348K, spring 2020, lecture 6, "Hardware Acceleration of DNNs"'


class Published(NamedTuple):
    """A value that was published.

    Parameters
    ----------
    value
        A number, or a text where it is none.
    where
        In the paper: section, figure or table.
    """

    value: float | str
    where: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class PaperFigure:
    """A figure or table of a paper.

    Parameters
    ----------
    title
        What it shows.
    paper
        Which paper.
    published
        Its values by what they are.
    why
        A sentence or two on why ours differ.
    minutes
        That it takes about, on two cores.
    """

    title: str
    paper: str
    published: Mapping[str, Published]
    why: str
    minutes: float
