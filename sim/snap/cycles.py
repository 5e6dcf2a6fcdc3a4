"""Cycle model of the SNAP core: every ring, queue, AIM slot and reducer port, exact to the cycle.

The model is synchronous: each step computes all next values from the registers of the present cycle, vectorised over
the PEs. Values of operands don't matter, only which pairs match, so it runs on match counts (`CoreWork`).
"""

import dataclasses

import numpy as np

from ...hw.snap.config import SnapConfig
from ..counters import Counters
from .program import CoreProgram
from .work import CoreWork, core_work

__all__ = ["WAITS", "CoreCounters", "Stalls", "simulate_core"]

WAITS = ("busy", "empty_list", "wait_weights", "wait_activations", "wait_aim", "wait_psum")
"""What a PE does in a cycle: exactly one of these."""


@dataclasses.dataclass(frozen=True)
class Stalls:
    """Cycles in which a stream stands still, each ``[cycles, streams]`` of bool and repeated for ever; None: never.

    Parameters
    ----------
    weights, activations
        True where the sender has no beat.
    sums
        True where the receiver of a port is not ready.
    """

    weights: np.ndarray | None = None
    activations: np.ndarray | None = None
    sums: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoreCounters(Counters):
    """What the core's performance counters show at the end of a program.

    Parameters
    ----------
    cycles
        From the first cycle after reset to the one in which the last command is taken, inclusive.
    multiplies
        Pairs multiplied, by PE.
    waits
        ``{reason: [rows, columns]}``: cycles of each PE by what it did, see `WAITS`.
    aim_operations, lists
        By row: AIM operations, and lists that they made.
    sums
        By port: psums handed over (OA updates).
    weight_beats, activation_beats
        By stream: beats taken.
    """

    multiplies: np.ndarray
    waits: dict[str, np.ndarray]
    aim_operations: np.ndarray
    lists: np.ndarray
    sums: np.ndarray
    weight_beats: np.ndarray
    activation_beats: np.ndarray

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the PEs' cycles by what the PEs did."""
        total = self.cycles * self.multiplies.size
        return {name: int(self.waits[name].sum()) / total if total else 0.0 for name in WAITS}

    def utilisation(self, multipliers: int) -> float:
        """Effectual utilisation: share of all multiplier slots that multiplied two non-zeros; 0 without a cycle."""
        return float(self.multiplies.sum()) / max(1, self.cycles * multipliers)

    @property
    def sums_per_cycle(self) -> float:
        """OA updates a cycle; 0 without a cycle."""
        return float(self.sums.sum()) / max(1, self.cycles)


def simulate_core(
    config: SnapConfig,
    program: CoreProgram,
    *,
    stalls: Stalls = Stalls(),  # noqa: B008 (frozen)
    limit: int | None = None,
    work: CoreWork | None = None,
) -> CoreCounters:
    """Run `program` on a core until its last psum is handed over.

    Parameters
    ----------
    config, program
        The core and what it is fed; an empty program takes no cycle. Streams and commands are always valid, except
        where `stalls` says.
    stalls
        Cycles in which streams stand still.
    limit
        Cycles after which a core that isn't done counts as stuck; default from the amount of work.
    work
        `core_work(config, program)` if the caller has it already.

    Raises
    ------
    RuntimeError
        If the core is not done after `limit` cycles: the program deadlocks or starves.
    """
    if not len(program.slots):
        return _nothing(config)
    return _Core(config, program, work or core_work(config, program), stalls).run(limit)


def _nothing(config: SnapConfig) -> CoreCounters:
    """Counters of an empty program."""
    rows, columns, pes = (np.zeros(size, np.int64) for size in (config.core_rows, config.core_columns, config.pes))
    grid = pes.reshape(config.core_rows, config.core_columns)
    return CoreCounters(
        cycles=0, multiplies=grid, sums=np.zeros(config.ports, np.int64), waits=dict.fromkeys(WAITS, grid),
        aim_operations=rows, lists=rows, weight_beats=columns, activation_beats=rows,
    )  # fmt: skip


class _Core:
    def __init__(self, config: SnapConfig, program: CoreProgram, work: CoreWork, stalls: Stalls) -> None:
        rows, columns, pes = config.core_rows, config.core_columns, config.pes
        self.config, self.program, self.stalls = config, program, stalls
        self.row, self.column = np.repeat(np.arange(rows), columns), np.tile(np.arange(columns), rows)
        self.pe, self.rows, self.columns = np.arange(pes), np.arange(rows), np.arange(columns)
        self.jobs, self.blocks = len(work.window), len(program.slots)
        pad, never = 3, 1 << 40
        self.window = np.append(work.window, [never] * pad)
        self.tile = np.append(work.tile, [never] * pad)
        ends = work.ends_block.astype(np.int64)
        self.block_of = np.append(np.cumsum(ends) - ends, [never] * pad)
        self.blocks_done = np.append(0, np.cumsum(ends))
        self.matches = np.pad(work.matches, ((0, pad), (0, 0))).ravel()
        self.operations = np.pad(work.operations, ((0, pad), (0, 0)), constant_values=1).ravel()
        small = work.quarter[work.tile]
        dual = np.zeros((self.jobs + pad, pes), bool)
        dual[: self.jobs - 1] = small[:-1] & small[1:] & (work.window[:-1] == work.window[1:])[:, None]
        self.dual = dual.ravel()
        windows, tiles = np.append(0, np.cumsum(work.frees_window)), np.append(0, np.cumsum(work.frees_tile))
        self.windows_freed, self.tiles_freed = windows, tiles
        self.w_stored, self.w_ends = self._streams(work.weight_beats, work.weight_ends)
        self.a_stored, self.a_ends = self._streams(work.activation_beats, work.activation_ends)
        self.w_next, self.a_next = (
            np.minimum(np.arange(1, ends.shape[1] + 1), ends.shape[1] - 1) for ends in (self.w_ends, self.a_ends)
        )
        self.w_length = np.array([len(stream) for stream in program.weights])
        self.a_length = np.array([len(stream) for stream in program.activations])
        self.w_released = self._released(self.w_stored, self.w_ends, self.column, self.row)
        self.a_released = self._released(self.a_stored, self.a_ends, self.row, self.column)

    @staticmethod
    def _streams(beats: list[np.ndarray], ends: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        length = max(map(len, ends))
        stored = np.stack([np.pad(array, ((0, length - len(array)), (0, 0)), mode="edge") for array in beats])
        return stored, np.stack([np.pad(array, (0, length - len(array)), mode="edge") for array in ends])

    @staticmethod
    def _released(stored: np.ndarray, ends: np.ndarray, stream: np.ndarray, receiver: np.ndarray) -> np.ndarray:
        items = int(ends.max())
        edges = [np.searchsorted(ends[number], np.arange(items + 1)) for number in range(len(ends))]
        return np.stack([stored[s, edges[s], r] for s, r in zip(stream, receiver, strict=True)], axis=1).ravel()

    def _stalled(self, name: str, cycle: int, default: np.ndarray) -> np.ndarray:
        pattern = getattr(self.stalls, name)
        return default if pattern is None else pattern[cycle % len(pattern)]

    def run(self, limit: int | None) -> CoreCounters:
        config, pe, row, column, rows = self.config, self.pe, self.row, self.column, self.rows
        n_rows, n_columns, pes, ports = config.core_rows, config.core_columns, config.pes, config.ports
        lanes, depth = config.pe_multipliers, config.list_depth
        zeros = np.zeros(pes, np.int64)
        asked, half, queued, landing, taken, begun, drained = (zeros.copy() for _ in range(7))
        # Psum banks complete, as the reducer sees it some cycles after the last pair left.
        finished = [zeros] * config.landing_cycles
        released = zeros  # lists whose windows and tiles are free
        w_at, a_at = np.zeros(n_columns, np.int64), np.zeros(n_rows, np.int64)
        turn = np.zeros(n_rows, np.int64)
        step, block = np.zeros(ports, np.int64), 0
        holds, held = np.zeros(ports, bool), np.zeros(ports, bool)  # output registers, and those before them
        flowing_w, flowing_a, flowing = np.zeros(n_columns, bool), np.zeros(n_rows, bool), np.zeros(ports, bool)
        multiplies, sums = zeros.copy(), np.zeros(ports, np.int64)
        waits = np.zeros((len(WAITS), pes), np.int64)
        operations, lists = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64)
        if limit is None:
            limit = 1000 + int(self.matches.reshape(-1, pes).sum(0).max() + self.operations.sum())
            limit += 4 * int(self.w_length.max() + self.a_length.max()) + 2 * int(self.program.slots.sum())
            limit *= 1 if all(pattern is None for pattern in vars(self.stalls).values()) else 20
        setup = self._block_setup(0)
        # Items complete and banks freed at the cycle before, which is what a pipelined PE sees; ports whose PEs had
        # completed the block then.
        w_before, a_before, freed_before, opened = zeros, zeros, zeros, np.zeros(ports, bool)
        cycle = 0
        while block < self.blocks or holds.any() or held.any():
            if cycle == limit:
                raise RuntimeError(f"limit must be enough for the program, not {limit} cycles (block {block} waits)")
            # Sequence decoder: up to `lanes` pairs from the first list and, once that is used up, the second.
            has = taken < queued
            free = has & (self.block_of[taken] - drained < 2)
            left = np.where(free, self.matches[taken * pes + pe] - begun, 0)
            first = np.minimum(left, lanes)
            pop = free & (first == left)
            more = pop & (taken + 1 < queued) & (self.block_of[taken + 1] - drained < 2)
            behind = np.where(more, self.matches[(taken + 1) * pes + pe], 0)
            second = np.minimum(behind, lanes - first)
            pop_two = more & (second == behind)
            issued = first + second
            # AIM: one grant a row.
            w_seen, a_seen = self.w_ends[self.columns, w_at][column], self.a_ends[rows, a_at][row]
            w_shown, a_shown = (w_before, a_before) if config.pipelined else (w_seen, a_seen)
            no_weights, no_tile = self.window[asked] >= w_shown, self.tile[asked] >= a_shown
            waiting = asked - taken
            wants = ~(no_weights | no_tile) & (waiting < depth)
            reason = np.where(
                issued > 0, 0, np.where(free, 1, np.where(has, 5, np.where(asked > queued, 4,
                np.where(no_weights, 2, np.where(no_tile, 3, 4))))),
            )  # fmt: skip
            waits[reason, pe] += 1
            grid = wants.reshape(n_rows, n_columns)
            order = (turn[:, None] + np.arange(n_columns)) % n_columns
            offers = grid[rows[:, None], order]
            granted = offers.any(1)
            who = rows * n_columns + order[rows, offers.argmax(1)]
            who = who[granted]
            at = asked[who] * pes + who
            complete = half[who] + 1 == self.operations[at]
            both = self.dual[at] & (self.tile[asked[who] + 1] < a_shown[who]) & (waiting[who] < depth - 1)
            made = np.where(complete, 1 + both, 0)
            # Streams: a beat is taken when every PE that its mask names has room, and all have room in the directory.
            gone = released if config.pipelined else taken
            w_gone, a_gone = self.windows_freed[gone], self.tiles_freed[gone]
            w_stored, a_stored = self.w_stored[column, w_at[column], row], self.a_stored[row, a_at[row], column]
            w_room = w_stored - self.w_released[w_gone * pes + pe] < config.weight_beats
            w_room |= self.w_stored[column, self.w_next[w_at[column]], row] == w_stored
            w_room &= w_seen - w_gone < config.weight_windows
            a_room = a_stored - self.a_released[a_gone * pes + pe] < config.activation_beats
            a_room |= self.a_stored[row, self.a_next[a_at[row]], column] == a_stored
            a_room &= a_seen - a_gone < config.activation_tiles
            w_take = w_room.reshape(n_rows, n_columns).all(0) & (w_at < self.w_length)
            a_take = a_room.reshape(n_rows, n_columns).all(1) & (a_at < self.a_length)
            w_take &= ~self._stalled("weights", cycle, flowing_w)
            a_take &= ~self._stalled("activations", cycle, flowing_a)
            # Core reducer: each port sums one psum of its PEs a cycle into its output register.
            accepted = holds & ~self._stalled("sums", cycle, flowing)
            sums += accepted
            freed = zeros
            sends = np.zeros(ports, bool)
            moves = held & (~holds | accepted)
            room = ~held | moves if config.pipelined else ~holds | accepted
            next_block = block
            if block < self.blocks:
                port, used, sending, slots = setup
                ready = np.ones(ports, bool)
                np.logical_and.at(ready, port, finished[0] > block)
                open_ports = (opened if config.pipelined else ready) & used & (step < slots)
                sends = open_ports & sending & room
                advance = np.where(sending, sends, open_ports * slots)
                freed = (open_ports & (step + advance == slots))[port]
                step = step + advance
                opened = ready
                if (step[used] == slots).all():
                    opened = np.zeros(ports, bool)
                    next_block, step = block + 1, np.zeros(ports, np.int64)
            if config.pipelined:
                held, sends = held & ~moves | sends, moves
            holds = holds & ~accepted | sends
            # Registers.
            multiplies += issued
            operations += granted
            half[who] = np.where(complete, 0, 1)
            queued = landing
            landing = asked.copy()
            landing[who] += made
            asked = landing.copy()
            lists[granted] += made
            turn[granted] = (column[who] + 1) % n_columns
            begun = np.where(pop_two, 0, np.where(pop, second, begun + first))
            released, taken = taken, taken + pop + pop_two
            finished = [*finished[1:], self.blocks_done[taken]]
            drained, freed_before = drained + (freed_before if config.pipelined else freed), freed
            w_at, a_at = w_at + w_take, a_at + a_take
            w_before, a_before = w_seen, a_seen
            if next_block != block:
                block = next_block
                setup = self._block_setup(block) if block < self.blocks else setup
            cycle += 1
        shape = (n_rows, n_columns)
        return CoreCounters(
            cycles=cycle, multiplies=multiplies.reshape(shape), sums=sums,
            waits={name: count.reshape(shape) for name, count in zip(WAITS, waits, strict=True)},
            aim_operations=operations, lists=lists, weight_beats=w_at, activation_beats=a_at,
        )  # fmt: skip

    def _block_setup(self, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Port of each PE, ports in use, ports that send, and psums a port, of one block."""
        ports = np.arange(self.config.ports)
        row_mode = bool(self.program.row_mode[block])
        port = self.row if row_mode else self.row - self.column + self.config.core_columns - 1
        used = ports < self.config.core_rows if row_mode else np.ones(self.config.ports, bool)
        sending = (int(self.program.ports[block]) >> ports & 1).astype(bool)
        return port, used, sending, int(self.program.slots[block])
