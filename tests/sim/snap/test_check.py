"""Streams that the SNAP core would refuse."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.formats.runs import FormatError
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.sim.snap.program import CoreProgram, Stream
from tensorloom.sim.snap.ways import Way
from tensorloom.tb.snap.miscut import miscut
from tensorloom.tb.snap.random_programs import mixed_program

CONFIG = PRESETS["snap-tiny"]


def program() -> CoreProgram:
    """In diagonal mode; tiles of 4 full beats, windows of 6."""
    return map_convolution(CONFIG, np.ones((4, 4, 8), int), np.ones((3, 3, 8, 2), int), way=Way())


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
    wrong = map_convolution(CONFIG, np.ones((4, 4, 16), int), np.ones((3, 3, 16, 2), int), way=Way())
    for stream in wrong.weights:
        stream.last[: np.flatnonzero(stream.last)[1]] = False
    with pytest.raises(FormatError, match=r"weights\[0\]: beats of the item of beat 8 must be at most 8, not 9"):
        check_program(CONFIG, wrong)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda p: p.ports.__setitem__(1, 16), "ports of block 1 must be a mask of 4 ports, not 16"),
        (
            lambda p: p.weights[1].block_last.__setitem__(-1, False),
            r"weights\[1\]: block_last of beat \d+ must be 1 as in w",
        ),
        (
            lambda p: p.activations[2].group_last.__setitem__(-1, False),
            r"activations\[2\]: group_last of beat \d+ must be 1 as in activations\[0\]",
        ),
        (
            lambda p: p.activations[1].last.__setitem__(0, True),
            r"activations\[1\]: group_last of beat 11 must be 1 as in activations\[0\]",
        ),
        (
            lambda p: [stream.block_last.fill(False) for stream in p.weights],
            r"weights\[0\]: block_last of beat \d+ must be 1, as it is the last",
        ),
        (
            lambda p: [stream.group_last.__setitem__(-1, False) for stream in p.activations],
            r"activations\[0\]: group_last of beat \d+ must be 1, as it is the last",
        ),
        (
            lambda p: [first_group(stream, "group_last") for stream in p.activations],
            "groups of activations must be 9, the number of those of weights, not 8",
        ),
        (
            lambda p: [first_group(stream, "block_last") for stream in p.weights],
            "blocks of weights must be 3, the number of those of commands, not 2",
        ),
    ],
)  # fmt: skip
def test_cuts(change: Callable[[CoreProgram], None], text: str) -> None:
    wrong = program()
    change(wrong)
    with pytest.raises(FormatError, match=text):
        check_program(CONFIG, wrong)


def first_group(stream: Stream, flag: str) -> None:
    """Let what ends first go on."""
    ends = getattr(stream, flag)
    ends[int(ends.argmax())] = False


def test_an_empty_program() -> None:
    """A kernel that never meets the image."""
    nothing = map_convolution(CONFIG, np.ones((1, 1, 1), int), np.ones((1, 1, 1, 1), int), (1, 4), (0, 1))
    check_program(CONFIG, nothing)
    some = program()
    for name in ("weights", "activations"):
        streams = getattr(some, name)
        with pytest.raises(FormatError, match=rf"{name}\[1\]: windows or tiles must be \d+ as in {name}\[0\], not 0"):
            mixed: Any = [*streams[:1], getattr(nothing, name)[1], *streams[2:]]
            check_program(CONFIG, dataclasses.replace(some, **{name: mixed}))
        with pytest.raises(FormatError, match="groups of activations must be|blocks of weights must be"):
            check_program(CONFIG, dataclasses.replace(some, **{name: getattr(nothing, name)}))
    with pytest.raises(FormatError, match="blocks of weights must be 3, the number of those of commands, not 0"):
        check_program(CONFIG, dataclasses.replace(nothing, slots=some.slots, ports=some.ports, row_mode=some.row_mode))


@pytest.mark.parametrize("seed", range(40))
def test_one_stream_that_is_cut_differently(seed: int) -> None:
    rng = np.random.default_rng(seed)
    with pytest.raises(
        FormatError, match=r"(weights|activations)\[\d\]: (group|block)_last of beat \d+ must be [01] as "
    ):
        check_program(CONFIG, miscut(mixed_program(CONFIG, rng, 1), rng))


def test_ports_of_row_mode() -> None:
    wrong = map_convolution(CONFIG, np.ones((2, 3, 8), int), np.ones((1, 1, 8, 9), int))
    assert wrong.row_mode.all() and CONFIG.core_rows == 3
    wrong.ports[2] = 8
    with pytest.raises(FormatError, match="ports of block 2 must be a mask of 3 ports, not 8"):
        check_program(CONFIG, wrong)


@pytest.mark.parametrize(
    ("value", "channels", "text"),
    [(1, 24, r"activations\[0\]: beats of the group of beat \d+ must be at most 8, not 9"),
     (0, 48, r"activations\[0\]: tiles of the group of beat 4 must be at most 4, not 5")],
)  # fmt: skip
def test_tiles_that_cannot_be_kept(value: int, channels: int, text: str) -> None:
    """All groups of a block as one: several windows for more tiles than the register files hold."""
    wrong = map_convolution(CONFIG, np.full((2, 3, channels), value), np.ones((1, 1, channels, 9), int))
    check_program(CONFIG, wrong)
    groups = int(wrong.weights[0].group_last.sum()) // len(wrong.slots)
    for stream in (*wrong.weights, *wrong.activations):
        ends = np.flatnonzero(stream.group_last)
        stream.group_last[np.delete(ends, slice(groups - 1, None, groups))] = False
    with pytest.raises(FormatError, match=text):
        check_program(CONFIG, wrong)


def test_one_window_keeps_nothing() -> None:
    """However many tiles a group has, they pass by a single window."""
    small = CONFIG.replace(activation_tiles=2, activation_entries=8)
    check_program(small, program())  # four tiles and one window a group
