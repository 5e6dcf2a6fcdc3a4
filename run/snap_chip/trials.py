"""Lists that a chip with a planted fault runs beside its jobs: all kinds of layers, and lists that fail."""

import dataclasses
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...hw.bus.config import PAGE_BYTES
from ...hw.snap_chip.command import COMMAND_BYTES, OPERATIONS
from ...hw.snap_chip.config import WINDOWS, SnapChipConfig
from ...hw.snap_chip.register_map import COUNTED, REGISTERS
from ...sim.snap_chip.command import Command, assemble
from ...sim.snap_chip.golden import Result, run_list
from ...sim.snap_chip.program import Program
from ...tb.bulk.software import (
    Poll,
    Read,
    Step,
    Wait,
    Write,
    read_register,
    write_register,
    write_some_bytes,
    wrong_accesses,
)
from ...tb.snap_chip.networks import EXTREMES, extreme_list, random_list, random_network, single_region
from ..contract import Image, Trial
from .program import MEMORY_PORTS, SnapChipProgram, start_list

__all__ = ["Again", "Failing", "trials"]

RANDOM_LISTS, RANDOM_NETWORKS = 24, 6

ALIGNMENT = 1 << 10
"""Bytes that parts of the memory begin at multiples of."""

MOST_BYTES, FAILING_BYTES = 1 << 24, 1 << 17
"""Of any of these memories; of one with lists that have a wrong address."""

EXACT = tuple(name for name in COUNTED if name != "cycles")
"""Counters that are the same whenever a list runs."""


class Failure(NamedTuple):
    """A list that fails.

    Parameters
    ----------
    place
        Address of its first byte.
    error
        Bit of ``errors`` that says so.
    address
        What ``error_address`` says; None if the error has none.
    layers
        How many layers begin; None if that depends on when the error comes.
    told
        Whether a layer before it asks for an interrupt.
    """

    place: int
    error: str
    address: int | None
    layers: int | None
    told: bool = False


def _start(address: int) -> list[Step]:
    """Start a list, after a look at whether what was is forgotten."""
    *before, start = start_list(address)
    return [*before, Read("nothing_pending", REGISTERS["interrupt_pending"].offset), start]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Written(SnapChipProgram):
    """A list whose memory is given as it is before it runs, and begins anywhere. Its result is all of it afterwards.

    Parameters
    ----------
    memory
        Before the list runs. The golden model sees it at address 0, where its commands look for it.
    origin
        Address of its first byte.
    """

    memory: np.ndarray
    origin: int

    @cached_property
    def before(self) -> np.ndarray:
        """Bytes of the memory."""
        return self.memory

    @property
    def list_place(self) -> int:
        """Address of the list."""
        return self.origin + super().list_place

    def memories(self) -> dict[str, Image]:
        """All of it is as the golden model leaves it, but that commands look for it where it is."""
        return self._images({0: self._located(self.after)})

    def _images(self, after: Mapping[int, np.ndarray]) -> dict[str, Image]:
        parts = {place: part.tobytes() for place, part in after.items()}
        before = {0: self._located(self.before).tobytes()}
        return dict.fromkeys(MEMORY_PORTS, Image(before=before, after=parts, size=len(self.before), origin=self.origin))

    def _located(self, memory: np.ndarray) -> np.ndarray:
        """The memory with commands that look for it where it is."""
        config, place = self.compiled.config, self.list_place - self.origin
        located, listed = memory.copy(), _list_of(config, _moved(config, self.compiled.commands, self.origin))
        located[place : place + len(listed)] = listed
        return located

    def _result(self, memory: np.ndarray) -> np.ndarray:
        """Nothing beyond what `memories` says."""
        return np.zeros(0, np.int64)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Again(_Written):
    """A list that runs twice, so that the first time must leave nothing behind. Starts of others are ignored meanwhile.

    Parameters
    ----------
    elsewhere
        Address that software writes while the list is at work.
    """

    elsewhere: int

    @cached_property
    def _ran(self) -> Result:
        first = run_list(self.compiled.config, self.before, self.compiled.list_address)
        return run_list(self.compiled.config, first.memory, self.compiled.list_address)

    def software(self) -> list[Step]:
        """Run it, then again, and look at everything. The cycles are those of the first time, which the model knows."""
        steps = super().software()
        end = steps.index(Wait("o_interrupt"))
        other = [
            *write_register(REGISTERS, "list", address=self.elsewhere),
            *write_register(REGISTERS, "control", start=1),
        ]
        counts = [
            dataclasses.replace(read_register(REGISTERS, f"count_{name}"), name=f"{name}_again") for name in EXACT
        ]
        return [
            *steps[:end],
            *other,
            *steps[end:],
            *_start(self.list_place),
            Wait("o_interrupt"),
            *write_register(REGISTERS, "counter_control", snapshot=1),
            *counts,
            *wrong_accesses(REGISTERS),
            *self._some_bytes[0],
            *(read_register(REGISTERS, name) for name in ("errors", "status", "interrupt_pending", "list")),
        ]

    @cached_property
    def _some_bytes(self) -> tuple[list[Write], int]:
        """What software writes over some bytes of the list's address, and what that is then."""
        return write_some_bytes(REGISTERS, "list", self.list_place, random.Random(self.elsewhere))

    @property
    def registers(self) -> dict[str, int]:
        """What software must have read in the end."""
        told = int(any(command["interrupt"] for command in self.compiled.commands))
        pending = REGISTERS["interrupt_pending"].pack(done=1, layer=told)
        counters = self.counters()
        counts = {"layers": counters.layers} | counters.beats
        found = {"errors": 0, "status": 0, "nothing_pending": 0, "interrupt_pending": pending}
        return found | {"list": self._some_bytes[1]} | {f"{name}_again": counts[name] for name in EXACT}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Failing(_Written):
    """Lists that fail, one behind the other, and then one that runs as if nothing had been.

    Parameters
    ----------
    failures
        What fails.
    others
        Commands of these lists that write elsewhere than the last one.
    """

    failures: tuple[Failure, ...]
    others: Sequence[Command] = ()

    def memories(self) -> dict[str, Image]:
        """Where layers write, those that fail may leave anything; the last list says what must be there then."""
        config, address = self.compiled.config, self.compiled.list_address
        written, size = np.zeros(len(self.before), bool), config.bus.bytes
        for command in [*self.compiled.commands, *self.others]:
            beats = command["out_pitch"] * command["regions"] * command["out_tiles"]
            table = -(-4 * command["regions"] * command["out_tiles"] // size)
            for first, count in ((command["out_address"], beats), (command["out_table"], table)):
                written[first * size : (first + count) * size] = True
        others = run_list(config, np.where(written, ~self.before, self.before), address).memory
        edges = np.flatnonzero(np.diff(np.concatenate([[0], others == self.after, [0]]))).reshape(-1, 2).tolist()
        after = self._located(self.after)
        return self._images({first: after[first:end] for first, end in edges})

    def software(self) -> list[Step]:
        """Run each until nothing is at work, and look at its error; then the last."""
        status, pending, wrong = REGISTERS["status"], REGISTERS["interrupt_pending"], list[Step]()
        for number, failure in enumerate(self.failures):
            wrong += [*_start(failure.place), Poll(status.offset, status.pack(busy=1), 0)]
            wrong.append(Poll(pending.offset, pending.pack(done=1, error=1), pending.pack(error=1)))
            wrong += write_register(REGISTERS, "counter_control", snapshot=1)
            wrong += [
                dataclasses.replace(read_register(REGISTERS, name), name=name_of(number, name))
                for name in self._looks(failure)
            ]
        steps = super().software()
        return [*wrong, *steps, *(read_register(REGISTERS, name) for name in ("status", "interrupt_pending"))]

    @staticmethod
    def _looks(failure: Failure) -> dict[str, int]:
        """Registers after an error."""
        found = {"errors": REGISTERS["errors"].pack(**{failure.error: 1})}
        if failure.layers is not None:
            pending = REGISTERS["interrupt_pending"].pack(error=1, layer=int(failure.told))
            found |= {"count_layers": failure.layers, "interrupt_pending": pending}
        return found | ({} if failure.address is None else {"error_address": failure.address})

    @property
    def registers(self) -> dict[str, int]:
        """What software must have read in the end."""
        pending, interrupts = REGISTERS["interrupt_pending"], [one["interrupt"] for one in self.compiled.commands]
        found = {"errors": 0, "status": 0, "nothing_pending": 0}
        found["interrupt_pending"] = pending.pack(done=1, layer=int(any(interrupts)))
        for number, failure in enumerate(self.failures):
            found |= {name_of(number, name): value for name, value in self._looks(failure).items()}
        return found


def name_of(number: int, register: str) -> str:
    """What software calls a register that it reads after a list that fails."""
    return f"{register}_of_{number}"


def trials(config: SnapChipConfig, seed: int) -> Iterator[Trial]:
    """Lists of all kinds of layers, each twice, lists that fail in each way, and the largest of layers."""
    for number in range(RANDOM_LISTS + RANDOM_NETWORKS):
        rng = random.Random(f"{number} {seed}")
        yield _again(config, rng, *(random_list if number < RANDOM_LISTS else random_network)(config, rng))
    for number in range(2 * config.banks):
        rng = random.Random(f"full {number} {seed}")
        yield _again(config, rng, *_full(config, rng, number // 2, pools=bool(number % 2)))
    for flag in (False, True):
        yield _failing(config, random.Random(f"failing {flag} {seed}"), inverted=flag)
        yield _too_large(config, random.Random(f"too large {flag} {seed}"), pools=flag)
    for kind in EXTREMES:
        rng = random.Random(f"{kind} {seed}")
        program, memory = extreme_list(config, rng, kind)
        written = _Written(**_parts(program), memory=memory, origin=_origin(config, rng))
        yield Trial(written, {"errors": 0}, counted=True)


def _again(config: SnapChipConfig, rng: random.Random, program: Program, memory: np.ndarray) -> Trial:
    """A list that runs twice."""
    elsewhere, origin = rng.getrandbits(config.address_bits), _origin(config, rng)
    again = Again(**_parts(program), memory=memory, origin=origin, elsewhere=elsewhere)
    return Trial(again, again.registers, counted=True)


def _full(config: SnapChipConfig, rng: random.Random, bank: int, *, pools: bool) -> tuple[Program, np.ndarray]:
    """A list of two layers, and the memory before it: one leaves a word of a bank, the other needs all of them."""
    sizes = config.bank_words - 1, config.bank_words
    almost, all_of_it = (single_region(config, rng, words, pools, bank) for words in sizes)
    commands, memory = _joined(config, almost, all_of_it)
    compiled = dataclasses.replace(almost[0], commands=commands, list_address=len(memory) // config.bus.bytes)
    return compiled, np.concatenate([memory, _list_of(config, commands)])


def _joined(config: SnapChipConfig, *lists: tuple[Program, np.ndarray]) -> tuple[list[Command], np.ndarray]:
    """Commands of some lists, and their memories one behind the other."""
    commands, memory = list[Command](), np.zeros(0, np.uint8)
    for program, part in lists:
        commands += _moved(config, program.commands, len(memory))
        memory = np.concatenate([memory, part, np.zeros(-len(part) % ALIGNMENT, np.uint8)])
    return commands, memory


def _parts(program: Program) -> dict:
    """A list as a program without a result but memory."""
    return {"compiled": program, "inputs_by_name": {}, "results": [], "shape": (), "pairs": 0}


def _origin(config: SnapChipConfig, rng: random.Random) -> int:
    """A page that all of memory may begin at, if commands are to reach it."""
    beats = 1 << min(config.bus.beat_address_bits, 32)
    return rng.randrange(max(1, (beats * config.bus.bytes - MOST_BYTES) // PAGE_BYTES)) * PAGE_BYTES


def _moved(config: SnapChipConfig, commands: Sequence[Command], distance: int) -> list[Command]:
    """Commands that look for everything so many bytes further."""
    beats = distance // config.bus.bytes
    return [{name: value + beats * _is_address(name) for name, value in one.items()} for one in commands]


def _failing(config: SnapChipConfig, rng: random.Random, *, inverted: bool) -> Trial:
    """Lists that are, or have an address in some command, where no memory is; malformed weights; wrong operations.

    Each bit of the addresses is 0 in one trial and 1 in the other.
    """
    program, memory = random_network(config, rng)
    size, most = config.bus.bytes, (1 << config.bus.beat_address_bits) - 1
    origin, failures, parts = _origin(config, rng), list[Failure](), [memory]
    commands = _moved(config, program.commands, origin)
    bits = random.Random(f"addresses {rng.random()}")

    def add(number: int, change: Mapping[str, int], error: str, address: int | None, layers: int | None) -> None:
        """The list with a change in one command, behind all else."""
        told = any(command["interrupt"] for command in commands[:number])
        failures.append(Failure(origin + sum(map(len, parts)), error, address, layers, told))
        parts.append(_list_of(config, [*commands[:number], commands[number] | dict(change)]))

    def nowhere() -> int:
        """A beat where no memory is."""
        while True:
            address = bits.getrandbits(config.bus.beat_address_bits) ^ (most if inverted else 0)
            if abs(address * size - origin) >= FAILING_BYTES:
                return address

    place = nowhere() * size
    failures.append(Failure(place, "read", place, 0))
    for field in filter(_is_address, program.commands[0]):
        number = rng.choice([number for number, command in enumerate(program.commands) if command[field]])
        address = nowhere()
        error, begun = "write" if field.startswith("out") else "read", number + 1
        add(number, {field: address}, error, address * size, None if field.startswith("weight") else begun)
    for ring in range(config.rings):
        if not (choices := list(_malformed(config, program, memory, ring))):
            continue  # there are fewer channels than these cores can share
        number, weights = rng.choice(choices)
        address = (origin + sum(map(len, parts))) // size
        parts.append(np.pad(weights, (0, -len(weights) % ALIGNMENT)))
        add(number, {f"weight_address_{ring}": address}, "stream", None, number + 1)
    for number in range(len(program.commands)):
        add(number, {"operation": max(OPERATIONS.values()) + 1}, "operation", None, number)
    rng.shuffle(failures)
    made = Failing(**_parts(program), memory=np.concatenate(parts), origin=origin, failures=tuple(failures))
    return Trial(made, made.registers, counted=True)


def _malformed(
    config: SnapChipConfig, program: Program, memory: np.ndarray, ring: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Numbers of commands that have weights for a buffer in its first group, and these with a zero as the first."""
    for number, command in enumerate(program.commands):
        first, beats = (command[f"weight_{name}_{ring}"] * config.bus.bytes for name in ("address", "beats"))
        weights, values = memory[first : first + beats].copy(), WINDOWS + command["kernels"] * config.bitmap_bytes
        if weights[WINDOWS:values].any():
            weights[values] = 0
            yield number, weights


def _too_large(config: SnapChipConfig, rng: random.Random, *, pools: bool) -> Trial:
    """A region that needs a word more of a bank than there is."""
    program, memory = random_network(config, rng)
    large = single_region(config, rng, config.bank_words + 1, pools)
    (*_, other), memory = _joined(config, (program, memory), large)
    origin = _origin(config, rng)
    failure = Failure(origin + len(memory), "capacity", None, 1)
    memory = np.concatenate([memory, _list_of(config, _moved(config, [other], origin))])
    failures = failure, failure
    made = Failing(**_parts(program), memory=memory, origin=origin, failures=failures, others=[other])
    return Trial(made, made.registers, counted=True)


def _list_of(config: SnapChipConfig, commands: Sequence[Command]) -> np.ndarray:
    """Bytes of a list, which ends."""
    return np.concatenate(
        [*(assemble(config, command).view(np.uint8) for command in commands), np.zeros(COMMAND_BYTES, np.uint8)]
    )


def _is_address(field: str) -> bool:
    """Whether a field of a command says where something is."""
    return "address" in field or field.endswith("_table")
