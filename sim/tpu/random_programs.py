"""Random programs of the TPU, legal and illegal ones, small and full of hazards.

All instructions work on a few rows of the unified buffer and of the accumulators, and prefer where others have just
been: they read what was written last, overwrite what is still being read, move rows in and out at once. Weight tiles
and parameter sets are read far ahead (tiles further than there is room, as long as younger instructions make it), and
used again. Windows are those of small convolutions and pools, or lie anywhere and partly outside all memory.
"""

import copy
import dataclasses

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, SET_ENTRY_BYTES, TpuConfig
from ...hw.tpu.isa import INSTRUCTIONS, decode, encode
from .assembler import UNIT_BITS, program_of
from .check import Watch
from .golden import SET_ENTRY
from .random_windows import MOST_ROWS, Part, WindowAuthor
from .rules import INT8, RANGES, RAW, Problem, Room, Rules

__all__ = ["Author", "Part", "Scenario", "random_program"]

TILES, SETS = 3, 3
"""That lie in weight memory."""

BURST = 10
"""Instructions that read weight tiles one after the other, at most."""

SYNC = "sync", {"units": UNIT_BITS["host_in"] | UNIT_BITS["host_out"]}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A program with all that it reads.

    Parameters
    ----------
    program
        Whole instructions.
    host
        uint8: the host's windows, whole beats.
    weights
        uint8: weight memory, whole beats.
    problem
        Where and why it stops; None if it halts.
    """

    program: bytes
    host: list[np.ndarray]
    weights: np.ndarray
    problem: Problem | None = None


def random_program(config: TpuConfig, seed: int, *, instructions: int = 40) -> Scenario:
    """Return a legal program of about so many instructions beside ``set``, which uses all that it reads, and halts.

    It reads nothing that is undefined, leaves the rows that it worked on in the host's window 1, and waits where host
    memory must be written before it is read, or the other way round.
    """
    author = Author(config, np.random.default_rng(seed))
    author.start()
    author.write(instructions)
    return author.ended()


class Author(WindowAuthor):
    """Writes a program instruction by instruction.

    Attributes
    ----------
    words
        Instructions so far.
    count
        How many they are beside ``set``.
    """

    def __init__(self, config: TpuConfig, rng: np.random.Generator) -> None:
        super().__init__(config, rng)
        self.host = [self._bytes(2 * self.area * GRANULE_BYTES) for _ in range(2)]
        tiles = self._bytes(TILES * config.matrix.rows * config.matrix.columns)
        self.weights = np.concatenate([tiles, self._sets(SETS * config.matrix.columns).view(np.uint8)])
        self.first_set = tiles.size // config.bus_bytes
        self.rules = Rules(config, Room((self.host[0].size, self.host[1].size), self.weights.size))
        self.words: list[int] = []
        self.count = 0
        self._watch = Watch(config)

    def _bytes(self, size: int) -> np.ndarray:
        return self.rng.integers(0, 256, size, np.uint8)

    def _sets(self, columns: int) -> np.ndarray:
        """Biases small and large; factors that spread results, and some at the ends of float32."""
        found = np.zeros(columns, SET_ENTRY)
        small = self.rng.random(columns) < 0.9
        found["bias"] = np.where(small, self.rng.integers(-5000, 5000, columns), self.rng.integers(-(1 << 31), 1 << 31))
        found["factor"] = np.exp(self.rng.uniform(-10, -2, columns))
        odd = self.rng.random(columns) < 0.05
        found["factor"][odd] = self.rng.choice(np.array([1e-45, 1e-38, 1, 3e38], np.float32), odd.sum())
        return found

    def scenario(self, problem: Problem | None = None) -> Scenario:
        """What was written."""
        return Scenario(program_of(self.words), self.host, self.weights, problem)

    def ended(self) -> Scenario:
        """What was written, which uses all that it read, leaves its rows in the host's window 1, and halts."""
        self.use_up()
        everything = "write_host", {"window": 1, "ub": self.base, "granules": self.area}
        if not self.add(everything):
            self.add(SYNC)
            self.add(everything)
        if self.chance(0.5):
            self.add(self.interrupt())
        self.add(("halt", {}))
        return self.scenario()

    def add(self, *parts: Part) -> bool:
        """Write instructions, all or none: none if one is illegal or its result undefined."""
        rules, words = copy.copy(self.rules), []
        for name, fields in parts:
            word = encode(name, **fields)
            if rules.problem(word):
                return False
            found = {one.error for one in self._watch.problems(rules.pc, name, decode(word)[1], rules.registers)}
            if found and not (found == {"unsynced"} and self.chance(0.3) and self.add(SYNC)):
                return False
            if found:
                return self.add(*parts)
            rules.take(word)
            words.append(word)
        for name, fields in parts:
            self._watch.take(name, decode(encode(name, **fields))[1], rules.registers)
            self.count += name != "set"
            places = [fields[key] for key in ("ub", "a", "b", "dst") if key in fields]
            if name in ("convolve", "pool"):
                places[0] = self.shape.plane
            self.spots = [*self.spots, *places][-4:]
        self.rules, self.words = rules, self.words + words
        return True

    def start(self, *, tiles: bool = True, sets: bool = True) -> None:
        """Write what all others need: bytes in the unified buffer, registers, a weight tile, a parameter set."""
        half = self.area // 2
        for at in (0, half):
            self.add(("read_host", {"ub": self.base + at, "granules": half, "host": at // self.config.bus_granules}))
        self.add(*self.geometry())
        while tiles and not self.add(self.read_weights()):
            pass
        while sets and not self.add(self.read_parameters()):
            pass

    def write(self, count: int) -> None:
        """Write about so many legal instructions beside ``set``."""
        end = self.count + count
        while self.count < end:
            self.add(*self.proposal())
            if self.chance(0.05):
                for _ in range(self.upto(BURST)):
                    self.add(self.read_weights())

    def use_up(self) -> None:
        """Use all weight tiles and parameter sets that were read."""
        rules = self.rules
        while (tiles := rules.tiles_read - rules.tiles_used) or rules.sets_read > rules.sets_used:
            if not tiles and not rules.tiles_used:
                self.add(self.read_weights())
            swap = {"swap": 2, "repeat": 1 + self.upto(min(tiles, 4) - 1), "step": 0} if tiles else {"swap": 0}
            self.add(*self.bundle(rules.sets_read > rules.sets_used, **swap))
            rules = self.rules

    def proposal(self) -> list[Part]:
        """One instruction, or the two of a bundle, of sizes that fit; not always legal."""
        kinds = {
            self.bundle: 6, self._product: 4, self.pool: 4, self.vector: 4, self._read_host: 3, self._write_host: 3,
            self.read_weights: 3, self.read_parameters: 2, self.geometry: 1, self.some_register: 1, self._plane_step: 1,
            self.interrupt: 0.5, self._sync: 0.5, self._nop: 0.5,
        }  # fmt: skip
        weights = np.array(list(kinds.values()))
        found = list(kinds)[self.rng.choice(len(kinds), p=weights / weights.sum())]()
        return (found if isinstance(found, list) else [found]) or [self._nop()]

    def _product(self, **fields: int) -> list[Part]:
        """A ``matmul`` or ``convolve``; `fields` replace what chance would say."""
        if self.chance(0.5):
            return [self._matmul(**fields)]
        return self.convolve(**{name: value for name, value in fields.items() if name != "step"})

    def _matmul(self, **fields: int) -> Part:
        """A product of rows."""
        room = self.config.matrix.accumulator_rows
        pitch = self.config.row_granules if self.chance(0.5) else 1 + self.upto(self.config.row_granules - 1)
        rows = 1 + self.upto(min(room, self.area // pitch, MOST_ROWS if self.chance(0.9) else room) - 1)
        repeat, left = 1 + (self.upto(3) if self.chance(0.5) else 0), self.area - rows * pitch
        step = (0, rows * pitch, self.upto(self.area))[self.upto(2)]
        values = {"rows": rows, "pitch": pitch, "repeat": repeat, "swap": self.upto(2), "step": step, **fields}
        values["step"] = min(values["step"], left // max(values["repeat"] - 1, 1))
        acc = (0, min(self.upto(MOST_ROWS), room - rows), room - rows)[self.upto(2)]
        flags = {name: self.upto(1) for name in ("accumulate", "a_signed", "w_signed")}
        ub = self.place((values["repeat"] - 1) * values["step"] + rows * pitch)
        shift = self.upto(3) if self.chance(0.3) else 0
        return "matmul", {"ub": ub, "acc": acc, "shift": shift, **flags, **values}

    def bundle(self, following: bool | None = None, **fields: int) -> list[Part]:
        """A product that drains, and its ``activate``; `following`: whether that takes the next parameter set."""
        *before, product = self._product(drain=1, **fields)
        rows, width = product[1]["rows"], self.config.row_granules
        most = min(width, self.area // rows)
        pitch = most if self.chance(0.5) else 1 + self.upto(most - 1)
        used = pitch if self.chance(0.6) else 1 + self.upto(pitch - 1)
        values = {"rows": rows, "pitch": pitch, "used": used, "kind": self.upto(RAW) if not following else self.upto(1)}
        extent = (rows - 1) * pitch + used
        if values["kind"] == RAW:
            step = self.rules.plane_step
            values |= {"relu": self.upto(1), "planes": self.upto(2)}
            while values["planes"] and ((1 << values["planes"]) - 1) * step + extent > self.area:
                values["planes"] -= 1
            extent += ((1 << values["planes"]) - 1) * step
        else:
            low, high = RANGES[values["kind"]]
            lo, hi = sorted(self.rng.integers(low, high, 2, endpoint=True).tolist())
            clip = {"lo": lo, "hi": hi} if self.chance(0.3) else {"lo": low, "hi": high}
            signed = values["kind"] == INT8
            zero = self.upto(255) - 128 * signed if self.chance(0.5) else 0
            values |= {"next": self.upto(1) if following is None else int(following), "zero": zero, **clip}
        return [*before, product, ("activate", {"ub": self.place(extent), **values})]

    def _transfer(self, window: int) -> dict[str, int]:
        beat = self.config.bus_granules
        granules = 1 + self.upto(self.area // (2 if self.chance(0.3) else 8) - 1)
        ub = self.place(granules) // beat * beat
        beats = -(-granules // beat)
        host = self.upto(self.host[0].size // self.config.bus_bytes - beats)
        return {"window": window, "ub": ub, "granules": granules, "host": host}

    def _read_host(self) -> Part:
        return "read_host", self._transfer(int(self.chance(0.2)))

    def _write_host(self) -> Part:
        return "write_host", self._transfer(int(self.chance(0.8)))

    def read_weights(self) -> Part:
        """Some weight tiles, whole or in part."""
        most = self.config.matrix.rows, self.config.row_chunks
        rows, chunks = (size if self.chance(0.5) else 1 + self.upto(size - 1) for size in most)
        tiles = 1 + (self.upto(TILES - 1) if self.chance(0.5) else 0)
        address = self.upto(self.weights.size // self.config.bus_bytes - tiles * rows * chunks)
        return "read_weights", {"tiles": tiles, "rows": rows, "chunks": chunks, "address": address}

    def read_parameters(self) -> Part:
        """Some parameter sets, from any column of those that there are on."""
        count = 1 + (self.upto(SETS - 1) if self.chance(0.3) else 0)
        column = max(SET_ENTRY_BYTES // self.config.bus_bytes, 1)  # beats, of a column or of several
        address = self.first_set + column * self.upto((SETS - count) * self.config.set_beats // column)
        return "read_parameters", {"count": count, "address": address}

    def _plane_step(self) -> list[Part]:
        return self.sets({"plane_step": self.upto(self.area // 4) if self.chance(0.8) else self.upto(2)})

    def _sync(self) -> Part:
        return "sync", {"units": self.upto(INSTRUCTIONS["sync"].fields[0].range[1])}

    def interrupt(self) -> Part:
        """An ``interrupt`` with a tag of its own."""
        return "interrupt", {**self._sync()[1], "tag": self.upto((1 << 32) - 1)}

    def _nop(self) -> Part:
        return "nop", {}
