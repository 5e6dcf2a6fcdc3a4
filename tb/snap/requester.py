"""Testbench of the requester."""

import dataclasses
from itertools import product
from typing import Any

import numpy as np

from ...hw.emit.shape import describe_shape
from ...hw.snap.config import SnapConfig
from ...hw.snap.layouts import tile_tag, window_tag
from ...hw.snap.list_layouts import AimMode
from ..bench import Bench
from ..bits import pack_bits
from ..cocotb_bench import testbench
from .parts import PARTS
from .random_values import random_value


@dataclasses.dataclass(frozen=True)
class Item:
    """A window or tile: its first beat, how many it has, its tag by name."""

    start: int
    size: int
    tag: dict[str, int]

    def port(self, beats: int, tag: Any) -> dict[str, int]:
        """As a ring of `beats` beats shows it."""
        end = (self.start + self.size) % (2 * beats)
        return {"start": self.start, "end": end, "tag": pack_bits(self.tag, describe_shape(tag))}


@dataclasses.dataclass(frozen=True)
class Job:
    """A window and a tile of a group, by number; what the requester must make of them."""

    window: int
    tile: int


class Groups:
    """Windows and tiles as a sender cuts them, in the order in which they arrive.

    Parameters
    ----------
    windows, tiles
        By group, the (start, size) of windows, and the sizes of tiles.
    """

    def __init__(
        self,
        config: SnapConfig,
        windows: list[list[tuple[int, int]]],
        tiles: list[list[int]],
        rng: np.random.Generator,
    ) -> None:
        self.windows: list[Item] = []
        self.tiles: list[Item] = []
        self.jobs: list[Job] = []
        tag = describe_shape(tile_tag(config))
        beat = int(rng.integers(2 * config.activation_beats))
        for group, sizes in zip(windows, tiles, strict=True):
            numbers = (
                range(len(self.windows), len(self.windows) + len(group)),
                range(len(self.tiles), len(self.tiles) + len(sizes)),
            )
            self.jobs += [Job(window, tile) for window in numbers[0] for tile in numbers[1]]
            for number, (start, size) in enumerate(group, 1):
                # Only in a group's last window the block may end, but a bit that doesn't count may be set.
                flags = {"group_last": int(number == len(group)), "block_last": int(rng.integers(2))}
                self.windows.append(Item(start, size, flags))
            for number, size in enumerate(sizes, 1):
                flags = random_value(rng, tag) | {"group_last": int(number == len(sizes))}
                self.tiles.append(Item(beat, size, flags))
                beat = (beat + size) % (2 * config.activation_beats)


@dataclasses.dataclass
class Operation:
    """What the AIM is asked, and what the list queue must be told of it."""

    mode: int
    half: int | None
    """None if any will do."""
    begin: int
    end: int
    both: int

    @property
    def made(self) -> int:
        """Lists that it completes."""
        return self.end + self.both


def halves(config: SnapConfig, window: Item) -> set[int]:
    """Halves of the lanes in which a window has beats."""
    span = config.window_beats
    return {(window.start + beat) % span * 2 // span for beat in range(window.size)}


def operation(config: SnapConfig, groups: Groups, job: int, second: bool, known_tiles: int, room: int) -> Operation:
    """The next operation: what `Requester` says, by looking at all lanes."""
    window, tile = groups.windows[groups.jobs[job].window], groups.tiles[groups.jobs[job].tile]
    quarter, half = config.tile_beats // 4, config.tile_beats // 2
    following = groups.jobs[job].tile + 1
    both = (
        room > 1
        and not tile.tag["group_last"]
        and following < known_tiles
        and max(tile.size, groups.tiles[following].size) <= quarter
    )
    if both:
        return Operation(AimMode.QUARTER, None, 1, 1, 1)
    if tile.size <= half:
        return Operation(AimMode.HALF, None, 1, 1, 0)
    where = halves(config, window)
    if len(where) == 2:
        return Operation(AimMode.FULL, int(second), int(not second), int(second), 0)
    return Operation(AimMode.FULL, min(where) if where else None, 1, 1, 0)


@dataclasses.dataclass(frozen=True)
class Pace:
    """Probabilities of a cycle: an item arrives (1: all were there before), the AIM grants, lists are popped."""

    arrive: float
    grant: float
    pop: float
    patient: bool = False
    """The AIM only serves a PE of which no list is in flight."""


class Progress:
    """Where a requester must be."""

    def __init__(self, config: SnapConfig, groups: Groups, rng: np.random.Generator) -> None:
        self.config, self.groups, self.rng = config, groups, rng
        self.job = self.windows = self.tiles = self.in_flight = 0
        self.second = False
        self.written: tuple[Operation, int] | None = None  # the operation granted in the cycle before, and its job

    @property
    def done(self) -> bool:
        """All lists were asked for and popped, and the last was compared."""
        return self.job == len(self.groups.jobs) and not self.in_flight and self.written is None

    def _item(self, kind: str, number: int) -> tuple[dict[str, int], int]:
        """What the ring shows, and whether it is complete; anything if it isn't."""
        config, known = self.config, getattr(self, kind)
        beats, tag = (
            (config.weight_beats, window_tag()) if kind == "windows" else (config.activation_beats, tile_tag(config))
        )
        if number < known:
            return getattr(self.groups, kind)[number].port(beats, tag), 1
        start, end = self.rng.integers(2 * beats, size=2).tolist()
        return {"start": start, "end": end, "tag": pack_bits(random_value(self.rng, s := describe_shape(tag)), s)}, 0

    async def cycle(self, bench: Bench, pace: Pace) -> None:
        """A cycle, everything compared."""
        config, rng, groups, depth = self.config, self.rng, self.groups, self.config.list_depth
        over = self.job == len(groups.jobs)
        now = Job(len(groups.windows), len(groups.tiles)) if over else groups.jobs[self.job]
        (window, there), *tiles = (
            self._item("windows", now.window), self._item("tiles", now.tile), self._item("tiles", now.tile + 1)
        )  # fmt: skip
        request = bool(there and tiles[0][1] and self.in_flight < depth)
        granted = request and rng.random() < pace.grant and not (pace.patient and self.in_flight)
        popped = int(rng.integers(min(2, self.in_flight) + 1)) if rng.random() < pace.pop else 0
        outputs = await bench.cycle({
            "i_window_complete": there, "i_window": window, "i_grant": int(granted), "i_popped": popped,
            **{f"i_tiles_complete_{number}": tile[1] for number, tile in enumerate(tiles)},
            **{f"i_tiles_{number}": tile[0] for number, tile in enumerate(tiles)},
        })  # fmt: skip
        assert outputs["o_window"] == now.window % (2 * config.weight_windows)
        for number in range(2):
            assert outputs[f"o_tiles_{number}"] == (now.tile + number) % (2 * config.activation_tiles)
        assert outputs["o_request"] == request
        assert outputs["o_in_flight"] == self.in_flight
        self._compare_write(outputs)
        self.written = None
        if request:
            wanted = operation(config, groups, self.job, self.second, self.tiles, depth - self.in_flight)
            about = f"{wanted} of {groups.windows[now.window]} and {groups.tiles[now.tile : now.tile + 2]}"
            assert outputs["o_mode"] == wanted.mode, about
            assert wanted.half is None or outputs["o_half"] == wanted.half, about
            assert outputs["o_made"] == wanted.made, about
            if granted:
                self.written = wanted, self.job
                self.job, self.second = self.job + wanted.made, not wanted.end
                self.in_flight += wanted.made
        self.in_flight -= popped
        self.windows += self.windows < len(groups.windows) and rng.random() < pace.arrive
        self.tiles += self.tiles < len(groups.tiles) and rng.random() < pace.arrive

    def _compare_write(self, outputs: dict[str, Any]) -> None:
        """What the list queue is told, a cycle after a grant; heads only of lists that are complete."""
        assert outputs["o_write"] == (self.written is not None)
        if self.written is None:
            return
        wanted, job = self.written
        assert {name: outputs[f"o_{name}"] for name in ("begin", "end", "both")} == {
            "begin": wanted.begin, "end": wanted.end, "both": wanted.both
        }  # fmt: skip
        for number in range(wanted.made):
            one = self.groups.jobs[job + number]
            window, tile = self.groups.windows[one.window], self.groups.tiles[one.tile]
            assert outputs["o_heads"][number] == {
                "weight_start": window.start % self.config.weight_beats,
                "tile_start": tile.start % self.config.activation_beats,
                "mode": wanted.mode,
                "slot": tile.tag["slot"],
                "frees_window": tile.tag["group_last"],
                "frees_tile": window.tag["group_last"],
                "ends_block": window.tag["block_last"] & tile.tag["group_last"],
            }


async def walk(bench: Bench, config: SnapConfig, groups: Groups, pace: Pace, rng: np.random.Generator) -> None:
    """Go through all jobs after a reset."""
    await bench.reset()
    progress = Progress(config, groups, rng)
    if pace.arrive == 1:
        progress.windows, progress.tiles = len(groups.windows), len(groups.tiles)
    limit = 200 + int(
        (len(groups.jobs) * 2 + len(groups.tiles) + len(groups.windows)) * 10 / min(pace.arrive, pace.grant, pace.pop)
    )
    for _ in range(limit):
        if progress.done:
            break
        await progress.cycle(bench, pace)
    assert progress.done, f"job {progress.job} of {len(groups.jobs)} still waits after {limit} cycles"
    for _ in range(3):
        await progress.cycle(bench, pace)
    await bench.cycle({"i_window_complete": 0, "i_tiles_complete_0": 0, "i_grant": 0, "i_popped": 0})


def random_window(config: SnapConfig, rng: np.random.Generator) -> tuple[int, int]:
    """Start and size; nothing, half and all often."""
    size = int(
        rng.choice([0, config.window_beats // 2, config.window_beats, int(rng.integers(config.window_beats + 1))])
    )
    return int(rng.integers(2 * config.weight_beats)), size


@testbench(PARTS["requester"])
async def all_pairs_of_tile_sizes(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Each size of a tile before each other, in a group: with all at hand and room for two lists, and otherwise."""
    tiles = [list(pair) for pair in product(range(config.tile_beats + 1), repeat=2)]
    rng.shuffle(tiles)
    for pace, some in ((Pace(1, 1, 1, patient=True), tiles), (Pace(0.7, 0.7, 0.7), tiles[:300])):
        windows = [[random_window(config, rng)] for _ in some]
        await walk(bench, config, Groups(config, windows, some, rng), pace, rng)


@testbench(PARTS["requester"])
async def all_places_of_windows(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Each start of a window with sizes of all kinds, beside tiles of more than half, of half, and of nothing."""
    span, half = config.window_beats, config.tile_beats // 2
    windows, tiles = [], []
    for low in range(2 * span):  # with the bit of a start that says in which turn around the lanes it is
        start = (low + 2 * span * int(rng.integers(config.weight_beats // span))) % (2 * config.weight_beats)
        to_middle = (span // 2 - start) % (span // 2)
        some = {0, 1, span // 2, span, to_middle, to_middle + 1, to_middle + span // 2, int(rng.integers(span + 1))}
        for size in sorted(some):
            windows.append([(start, size)])
            tiles.append(rng.permutation([half + 1, config.tile_beats])[: int(rng.integers(1, 3))].tolist())
            if rng.random() < 0.2:
                tiles[-1] = [half, *tiles[-1], 0]
    await walk(bench, config, Groups(config, windows, tiles, rng), Pace(1, 1, 1), rng)


@testbench(PARTS["requester"])
async def random_groups(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Groups of one window and tile, of many tiles, of several windows, while rings, AIM and queue take their time."""
    paces = [(1, 1, 1), (0.2, 1, 1), (1, 0.2, 1), (1, 1, 0.1), (0.5, 0.5, 0.5), (0.9, 0.9, 0.3)]
    for pace in paces:
        windows, tiles = [], []
        for _ in range(3 * config.weight_windows + config.activation_tiles):
            windows.append([random_window(config, rng) for _ in range(int(rng.choice([1, 1, 2, 4])))])
            most = int(rng.choice([config.tile_beats // 4, config.tile_beats]))
            tiles.append(rng.integers(most + 1, size=int(rng.choice([1, 2, 3, 5]))).tolist())
        await walk(bench, config, Groups(config, windows, tiles, rng), Pace(*pace), rng)
