"""Streams that the SNAP core would refuse."""

from collections.abc import Callable

import numpy as np
import pytest
from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.formats.runs import FormatError
from tensorloom.sim.mapping.snap import map_convolution
from tensorloom.sim.mapping.snap_check import check_program
from tensorloom.sim.mapping.snap_program import CoreProgram

CONFIG = PRESETS["snap-tiny"]


def program() -> CoreProgram:
    """Tiles of 4 full beats, windows of 6."""
    return map_convolution(CONFIG, np.ones((4, 4, 8), int), np.ones((3, 3, 8, 2), int))


def test_good_streams() -> None:
    check_program(CONFIG, program())


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda p: p.weights[1].counts.__setitem__(3, 3), r"weights\[1\]: count of beat 3 must be from 0 to 2, not 3"),
        (lambda p: p.activations[2].values.__setitem__((1, 1), 0), r"s\[2\]: value of beat 1 must be non-zero"),
        (lambda p: p.weights[0].values.__setitem__((0, 0), 0), r"weights\[0\]: value of beat 0 must be non-zero"),
        (lambda p: p.activations[0].indices.__setitem__((2, 0), 7), r"\[0\]: c-idx of beat 2 must be above 7, not 5"),
        (lambda p: p.activations[0].indices.__setitem__((1, 0), 1), r"\[0\]: c-idx of beat 1 must be above 1, not 1"),
        (
            lambda p: p.activations[1].last.__setitem__(3, False),
            r"activations\[1\]: beats of the item of beat 4 must be at most 4, not 5",
        ),
        (lambda p: p.weights[0].last.fill(False), r"weights\[0\]: beat \d+ must end the last window or tile"),
        (lambda p: p.weights[0].masks.__setitem__(0, 8), r"weights\[0\]: mask of beat 0 must be of receivers, not 8"),
        (lambda p: p.weights[0].block_last.__setitem__(0, True), r"block_last of beat 0 must be given with group_last"),
        (lambda p: p.slots.__setitem__(1, 9), "slots of block 1 must be from 1 to 8, not 9"),
        (lambda p: p.slots.__setitem__(0, 0), "slots of block 0 must be from 1 to 8, not 0"),
    ],
)  # fmt: skip
def test_malformed_streams(change: Callable[[CoreProgram], None], text: str) -> None:
    wrong = program()
    change(wrong)
    with pytest.raises(FormatError, match=text):
        check_program(CONFIG, wrong)


def test_window_longer_than_the_register_file() -> None:
    wrong = map_convolution(CONFIG, np.ones((4, 4, 16), int), np.ones((3, 3, 16, 2), int))
    for stream in wrong.weights:
        stream.last[: np.flatnonzero(stream.last)[1]] = False
    with pytest.raises(FormatError, match=r"weights\[0\]: beats of the item of beat 8 must be at most 8, not 9"):
        check_program(CONFIG, wrong)
