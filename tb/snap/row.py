"""Testbench of a row: its arbiter cycle by cycle, and what its PEs make of their streams."""

from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ...hw.snap.layouts import COUNTER_BITS, WAITS
from ..bench import Bench
from ..cocotb_bench import testbench
from .job_signature import crc16
from .parts import PARTS
from .random_values import random_bits
from .row_streams import Block, Group, block_psums, random_block, random_tile, random_window


def bits(values: list[bool]) -> int:
    """Bit k is value k."""
    return sum(1 << place for place, value in enumerate(values) if value)


class Player:
    """Plays the streams of a row, by what the row says about room, and reads its psums.

    Attributes
    ----------
    windows, tiles
        Beats to send, by column; of the row.
    psums
        By column and block, what was read.
    stored, ended, offered, tile_beat
        In the last cycle: by column, whether a beat was stored, a window ended; a beat of the row was offered; that
        beat if it was taken.
    """

    def __init__(self, bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
        self.bench, self.config, self.rng = bench, config, rng
        self.columns = range(config.core_columns)
        self.windows: list[list[dict[str, Any]]] = [[] for _ in self.columns]
        self.tiles: list[dict[str, Any]] = []
        self.psums: list[list[list[int]]] = [[] for _ in self.columns]
        self.stored, self.ended = [False for _ in self.columns], [False for _ in self.columns]
        self.tile_beat: dict[str, Any] | None = None
        self.cycles = self.taken = 0
        self.offered = False
        self._reading: list[list[int]] = [[] for _ in self.columns]
        self._block, self._waits = 0, False
        self.start = random_bits(rng, 32)  # of the core's counter of cycles

    def send(self, block: Block) -> None:
        """Append a block's beats to the streams."""
        for group in block:
            for column, windows in enumerate(group.windows):
                self.windows[column] += [beat for window in windows for beat in window.beats]
            self.tiles += [beat for tile in group.tiles for beat in tile.beats]

    async def cycle(self, weights: list[bool], activations: bool, read: float = 1) -> dict[str, Any]:
        """A cycle in which some columns and the row send a beat if there is one and room for it."""
        seen = await self.bench.peek({"i_activations_valid": 0})
        inputs: dict[str, Any] = {"i_cycles": (self.start + self.cycles) % (1 << COUNTER_BITS)}
        self.stored, self.ended = [False for _ in self.columns], [False for _ in self.columns]
        for column in self.columns:
            if self.windows[column]:
                beat = inputs[f"i_weights_{column}"] = self.windows[column][0]
                room = (seen["o_weights_beat_room"] | -(not beat["mask"])) & seen["o_weights_item_room"]
                if weights[column] and room >> column & 1:
                    self.stored[column], self.ended[column] = bool(beat["mask"]), bool(beat["last"])
                    del self.windows[column][0]
        self.offered = bool(self.tiles) and (activations or self._waits)
        if self.tiles:
            inputs["i_activations_payload"] = self.tiles[0]
        reads = []
        for column in self.columns:
            complete = seen[f"o_done_{column}"] >> self._block % 2 & 1 and len(self.psums[column]) == self._block
            reads.append(bool(complete and self.rng.random() < read))
            inputs[f"i_slots_{column}"] = (len(self._reading[column]) + reads[-1]) % self.config.psum_slots  # the next
        free = [reads[c] and len(self._reading[c]) == self.config.psum_slots - 1 for c in self.columns]
        over = all(len(self.psums[c]) > self._block or free[c] for c in self.columns)
        # The PEs see the bank a cycle later if ``pipelined``.
        inputs["i_bank"] = (self._block + (over and self.config.pipelined)) % 2
        outputs = await self.bench.cycle(inputs | {
            "i_weights_store": bits(self.stored), "i_weights_end": bits(self.ended),
            "i_activations_valid": int(self.offered), "i_free": bits(free),
        })  # fmt: skip
        self.cycles += 1
        for column in self.columns:
            if reads[column]:
                self._reading[column].append(outputs[f"o_psums_{column}"])
            if free[column]:
                self.psums[column].append(self._reading[column])
                self._reading[column] = []
        self._block += over
        self.tile_beat, self._waits = None, self.offered
        if self.offered and outputs["i_activations_ready"]:
            self.tile_beat, self._waits = self.tiles.pop(0), False
            self.taken += 1
        return outputs


async def restart(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> Player:
    """A row after a reset, with nothing offered."""
    idle = ("i_activations_valid", "i_weights_store", "i_weights_end", "i_free", "i_bank", "i_cycles")
    await bench.cycle(dict.fromkeys(idle, 0))
    await bench.reset()
    return Player(bench, config, rng)


def compare_psums(config: SnapConfig, blocks: list[Block], player: Player) -> None:
    """Psums of all blocks, which wrap at `psum_bits`."""
    for column in player.columns:
        for number, block in enumerate(blocks):
            sums = block_psums(config, block, column)[0]
            same = [(a - b) % (1 << config.psum_bits) for a, b in zip(player.psums[column][number], sums, strict=True)]
            assert not any(same), f"psums of block {number} in column {column} must be {sums}"


async def finish(player: Player, blocks: int, read: float = 1) -> dict[str, Any]:
    """Send what is left and read so many blocks; returns the outputs afterwards."""
    quiet, before, outputs = 0, None, {}
    while min(len(psums) for psums in player.psums) < blocks:
        outputs = await player.cycle([True for _ in player.columns], True, read)
        now = player.taken, [len(windows) for windows in player.windows], [len(psums) for psums in player.psums]
        quiet = quiet + 1 if now == before else 0
        assert quiet < 50 * player.config.psum_slots + 500, f"a row with {now} does nothing any more"
        before = now
    for _ in range(10):
        outputs = await player.cycle([False for _ in player.columns], False)
    return outputs


class Arbiter:
    """Who is served when: each job makes one list of one match at most, and no block ends.

    So a list granted in cycle t is used up in cycle t + 2, and everything can be told from when items came.
    """

    def __init__(self, config: SnapConfig) -> None:
        self.config = config
        columns = range(config.core_columns)
        self.turn = 0
        self.grants: list[int | None] = []  # by cycle, the column served
        self.windows: list[list[bool]] = [[] for _ in columns]  # by column and cycle, whether a window came
        self.beats: list[list[bool]] = [[] for _ in columns]  # the same of a beat of a tile
        self.tiles: list[bool] = []

    def served(self, column: int, cycle: int) -> int:
        """Lists granted to a column up to and with a cycle."""
        return self.grants[: max(0, cycle + 1)].count(column)

    def compare(self, outputs: dict[str, Any], mask: int | None) -> None:
        """Outputs of this cycle, which show the ones before; `mask` of the beat that is offered."""
        config, now, columns = self.config, len(self.grants), range(self.config.core_columns)
        for column in columns:
            counters, done = outputs["o_pe_counters"][column], self.served(column, now - 3)
            assert counters["busy"] + counters["empty_list"] == done, f"column {column} in cycle {now}"
        assert (
            outputs["o_counters"]["aim_operations"]
            == outputs["o_counters"]["lists"]
            == len([column for column in self.grants if column is not None])
        )
        assert not outputs["o_error"]
        shown = [sum(self.windows[column][: max(0, now - config.pipelined)]) for column in columns]
        # A window to match, or a list that was granted two cycles ago or later.
        active = any(shown[column] > self.served(column, now - 3) for column in columns)
        assert outputs["o_active"] == active, f"cycle {now}"
        freed = [self.served(column, now - 3 - config.pipelined) for column in columns]
        held = [sum(self.windows[column]) - freed[column] for column in columns]
        room = [count < config.weight_windows for count in held]
        assert outputs["o_weights_item_room"] == bits(room), f"windows {held} are held in cycle {now}"
        assert outputs["o_weights_beat_room"] == bits([count < config.weight_beats for count in held])
        if mask is not None:
            ready = all(self._tile_room(column, freed[column], mask) for column in columns)
            assert outputs["i_activations_ready"] == ready, f"{mask:b} is offered in cycle {now}"

    def _tile_room(self, column: int, freed: int, mask: int) -> bool:
        beats = [beat for beat, tile in zip(self.beats[column], self.tiles, strict=True) if tile][freed:]
        fits = sum(beats) < self.config.activation_beats or not mask >> column & 1
        return fits and sum(self.tiles) - freed < self.config.activation_tiles

    def step(self, player: Player) -> None:
        """The end of the cycle: who is served in it, and what came."""
        now, columns = len(self.grants), self.config.core_columns
        shown = now - self.config.pipelined
        served = None
        for column in ((self.turn + step) % columns for step in range(columns)):
            done = self.served(column, now)
            in_flight = done - self.served(column, now - 3)
            there = min(sum(self.windows[column][: max(0, shown)]), sum(self.tiles[: max(0, shown)])) > done
            if there and in_flight < self.config.list_depth:
                served, self.turn = column, (column + 1) % columns
                break
        self.grants.append(served)
        beat = player.tile_beat
        self.tiles.append(beat is not None)
        for column in range(columns):
            self.windows[column].append(player.ended[column])
            self.beats[column].append(beat is not None and bool(beat["mask"] >> column & 1))


def single_jobs(config: SnapConfig, rng: np.random.Generator, count: int) -> Block:
    """Groups of a window with one weight or none and a tile of one beat."""
    block = []
    for _ in range(count):
        windows = [[random_window(config, rng, 1, entries=int(rng.random() < 0.9))] for _ in range(config.core_columns)]
        tile = random_tile(config, rng, 1)
        tile.beats[0]["group_last"] = 1
        block.append(Group(windows, [tile]))
    for column in block[-1].windows:
        column[0].beats[0]["block_last"] = 1
    return block


@testbench(PARTS["row"])
async def turns(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Every PE alone, all at once, some more often than others: who is served, cycle by cycle, and room for more."""
    columns = config.core_columns
    paces = [[int(own == column) for own in range(columns)] for column in range(columns)]
    paces += [[1] * columns, [0.5] * columns, [0.15] * columns, *(rng.random((2, columns)) ** 2).tolist()]
    for number, pace in enumerate(paces):
        player, arbiter = await restart(bench, config, rng), Arbiter(config)
        block = single_jobs(config, rng, 30)
        player.send(block)
        tiles = 1 if number % 2 else 0.7
        waits = [0, 0]  # until when windows don't come, or tiles: then all that are there are wanted at once
        waits[number % 2] = int(rng.choice([0, 2 * config.activation_tiles]))
        while any(len(windows) > 1 for windows in player.windows) or player.tiles:
            if player.cycles > 60 + max(waits):
                pace = [1] * columns
            goes = player.cycles >= waits[0]
            come = [
                bool(goes and rng.random() < rate) and len(player.windows[column]) > 1
                for column, rate in enumerate(pace)
            ]
            mask = player.tiles[0]["mask"] if player.tiles else None
            outputs = await player.cycle(come, player.cycles >= waits[1] and bool(rng.random() < tiles))
            arbiter.compare(outputs, mask if player.offered else None)
            arbiter.step(player)
            assert player.cycles < 2000, "the row stands still"
        outputs = await finish(player, 1)
        compare_psums(config, [block], player)
        assert outputs["o_beats"] == 30 and not outputs["o_active"] and outputs["o_alike"]


@testbench(PARTS["row"])
async def random_streams(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Groups of all kinds, with and without pauses: psums, counters, signatures, overflow."""
    for read, pause in ((1, 0), (0.3, 0.3), (1, 0.8)):
        player = await restart(bench, config, rng)
        blocks = [random_block(config, rng, int(groups)) for groups in rng.integers(1, 4, 4)]
        for block in blocks:
            player.send(block)
        beats = len(player.tiles)
        while player.tiles or any(player.windows):
            goes = rng.random(config.core_columns + 1) >= pause
            await player.cycle(goes[1:].tolist(), bool(goes[0]), read)
            assert player.cycles < 50_000, "the row stands still"
        outputs = await finish(player, len(blocks), read)
        compare_psums(config, blocks, player)
        compare_totals(config, blocks, outputs)
        assert outputs["o_beats"] == beats
        for counters in outputs["o_pe_counters"]:
            cycles = sum(counters[name] for name in WAITS) - player.start
            assert cycles % (1 << COUNTER_BITS) == player.cycles - 1


def compare_totals(config: SnapConfig, blocks: list[Block], outputs: dict[str, Any]) -> None:
    """Counters of pairs and lists, signatures, errors and overflow after all blocks."""
    jobs, crc = 0, 1
    for block in blocks:
        for group in block:
            for window in group.windows[0]:
                for tile in group.tiles:
                    flags = tile.beats[-1]["group_last"], window.beats[-1]["group_last"]
                    crc = crc16(crc, (*flags, window.beats[-1]["block_last"] & flags[0]))
                    jobs += 1
    assert outputs["o_counters"]["lists"] == jobs * config.core_columns
    assert outputs["o_signature"] == crc and outputs["o_alike"]
    assert not outputs["o_error"] and not outputs["o_active"]
    limit, found = 1 << config.psum_bits - 1, [(block, c) for block in blocks for c in range(config.core_columns)]
    sums, sizes, pairs = zip(*(block_psums(config, block, column) for block, column in found), strict=True)
    for column, counters in enumerate(outputs["o_pe_counters"]):
        assert counters["multiplies"] == sum(pairs[column :: config.core_columns])
    if max(max(size) for size in sizes) < limit:
        assert not outputs["o_overflow"]
    elif config.pe_multipliers == 1 and any(not -limit <= value < limit for values in sums for value in values):
        assert outputs["o_overflow"]


@testbench(PARTS["row"])
async def different_cuts(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """One PE whose group has two windows where those of the others have one."""
    for odd in range(config.core_columns):
        player = await restart(bench, config, rng)
        block = single_jobs(config, rng, 2)
        block[0].windows[odd][0].beats[0]["group_last"] = 0
        player.send(block)
        outputs = await finish(player, 1)
        assert outputs["o_alike"] == (config.core_columns == 1)
        assert not outputs["o_error"]


def _overflow_jobs(config: SnapConfig) -> int:
    """How many of the largest products overflow a psum."""
    return (1 << config.psum_bits + 1 - 2 * config.data_bits) + 2


@testbench({name: config for name, config in PARTS["row"].items() if _overflow_jobs(config) < 100})
async def overflow_of_each(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """The largest products for one psum of one PE, where few of them are enough to overflow."""
    half, jobs = 1 << config.data_bits - 1, _overflow_jobs(config)
    for odd in range(config.core_columns if jobs < 100 else 0):
        player = await restart(bench, config, rng)
        block = single_jobs(config, rng, jobs)
        for group in block:
            tile = group.tiles[0].beats[0]
            tile |= {"mask": 1 << odd, "count": 1, "classes": 15, "slot": 0}
            weight = group.windows[odd][0].beats[0]
            weight["count"] = 1
            weight["entries"][0] |= {"slot": 1, "value": -half, "index": 0}
            tile["entries"][0] |= {"value": -half, "index": 0}
        player.send(block)
        assert (await finish(player, 1))["o_overflow"]
        compare_psums(config, [block], player)


@testbench(PARTS["row"])
async def one_full_column(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """One PE without room for a further beat: the row takes those that aren't for it."""
    beats, span = config.activation_beats, config.tile_beats
    for odd in range(config.core_columns if beats // span <= config.activation_tiles else 0):
        player, beat, outputs = await restart(bench, config, rng), {}, {}
        for number in range(beats):
            beat = random_tile(config, rng, 1).beats[0] | {"mask": 1 << odd, "count": 0}
            player.tiles.append(beat | {"last": int(number % span == span - 1 and number < beats - 1)})
        while player.tiles:
            await player.cycle([False for _ in player.columns], True)
            assert player.cycles < beats + 5
        for mask in (0, (1 << config.core_columns) - 1, *(1 << column for column in range(config.core_columns))):
            offered = {"i_activations_valid": 1, "i_activations_payload": beat | {"mask": mask}}
            assert (await bench.peek(offered))["i_activations_ready"] == (not mask >> odd & 1)
        for _ in range(20):
            outputs = await player.cycle([False for _ in player.columns], False)
        assert not outputs["o_error"] and outputs["o_beats"] == beats


@testbench(PARTS["row"])
async def tiles_without_end(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """One PE that needs tiles once more, and has no room for all of them: an error when it is full."""
    for odd in range(config.core_columns):
        player = await restart(bench, config, rng)
        for column in range(config.core_columns):
            window = random_window(config, rng, 1)
            window.beats[0]["group_last"] = int(column != odd)
            player.windows[column] += window.beats
        count = config.activation_tiles + 3
        for _ in range(count):
            player.tiles += random_tile(config, rng, 1).beats
        full, outputs = 0, {}
        while full < 3:
            outputs = await player.cycle([True for _ in player.columns], True)
            full += player.cycles > 2 and player.tile_beat is None and player.taken >= config.activation_tiles
            assert player.cycles < 20 * count + 50, "the row takes more than a PE can keep"
            assert full or not outputs["o_error"]
        for _ in range(20):
            outputs = await player.cycle([True for _ in player.columns], True)
        assert outputs["o_error"] and player.taken == config.activation_tiles
