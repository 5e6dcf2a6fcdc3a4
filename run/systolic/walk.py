"""A product's way through a small matrix unit, step by step: samples of all that is in it."""

import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...hw.config import check, check_int
from ...hw.systolic.config import SystolicConfig
from ...hw.systolic.matrix_unit import MatrixUnit
from ...sim.systolic.commands import command_fields
from ...sim.systolic.mapping import MatrixProgram, map_matmul
from ...tb.amaranth_bench import simulate
from ...tb.bench import Bench, Sink, Source, run
from ...tb.waves import read_samples
from ..jobs import Job

__all__ = ["walk"]

LARGEST = 8
"""Size that can still be drawn, of the array and of the product."""

PE_SIGNALS = (
    "activation", "weight", "shadow", "psum", "i_activation", "i_control.swap", "i_control.load",
)  # fmt: skip
PORTS = (
    "i_activations__valid", "i_activations__ready", "o_sums__valid", "o_sums__ready",
    "accumulators.column_0.i_write", "accumulators.column_0.i_write_address",
)  # fmt: skip


def walk(config: SystolicConfig, job: Job) -> dict[str, Any]:
    """Simulate a product, and sample every PE, the accumulators and the sums that leave, cycle by cycle.

    Returns
    -------
    dict
        Values for JSON. ``beats`` are the activation rows in the order in which they enter: the ``cycle`` in which they
        do, their ``row`` of the activations, the ``tile`` that they meet. ``tiles`` are weight tiles by their first
        ``row`` and ``column`` of the weights. ``steps`` are clock cycles, from the first entry to the last sums. In
        each a PE has the ``weight`` of a ``tile`` in use, the one that waits (``next``), and where it works, the
        ``activation`` of a ``beat`` and the ``psum`` that it makes of them. ``entering`` is what comes to each row's
        first PE for the step after, ``accumulators`` the rows that were written as they are at the end of the step,
        with the last ``beat`` in them, ``leaving`` the row that goes out. What isn't there is None.

    Raises
    ------
    ConfigError
        If array or product are too large to be drawn, or it is no product of 8-bit numbers.
    """
    for field in ("rows", "columns"):
        check_int(field, getattr(config, field), 1, LARGEST)
    registers = config.multiplier_registers
    check("multiplier_registers", registers == 0, "0, as a step is a product and its sum", registers)
    for name, tensor in zip(job.names, (job.a, job.b), strict=True):
        check(name, tensor.ndim == 2, "of rank 2", tensor.shape)
        for side, size in zip(("rows", "columns"), tensor.shape, strict=True):
            check_int(f"{side} of {name}", size, 1, LARGEST)
        check(name, tensor.dtype.itemsize == 1, "int8 or uint8", str(tensor.dtype))
    program = map_matmul(config, job.a, job.b, names=job.names)
    return _figures(config, job, program, _simulate(config, program))


def _path(config: SystolicConfig, row: int, column: int) -> str:
    """Where a PE is in the hierarchy, with a dot behind."""
    tile, place = zip(divmod(row, config.tile_rows), divmod(column, config.tile_columns), strict=True)
    block, inner = zip(*map(divmod, tile, config.block_tiles), strict=True)
    parts = ("block", block), ("tile", inner), ("pe", place)
    return "".join(["mesh.", *(f"{name}_{down}_{across}." for name, (down, across) in parts)])


def _bank(config: SystolicConfig, column: int, address: int) -> str:
    """The memory row that has the sum of a column, and of those beside it."""
    return f"accumulators.column_{column // config.tile_columns}.bank_{address % 2}.memory[{address // 2}]"


def _addresses(commands: np.ndarray) -> list[int]:
    """Accumulator rows that the commands use."""
    return sorted({int(one["address"]) + index for one in commands for index in range(one["rows"])})


def _simulate(config: SystolicConfig, program: MatrixProgram) -> list[dict[str, int]]:
    """Play the streams without a pause; gives the samples of all cycles after reset."""
    rng = random.Random(1)
    streams = {
        "i_weights": program.weights.tolist(),
        "i_activations": program.activations.tolist(),
        "i_commands": command_fields(program.commands),
    }

    async def play(bench: Bench) -> None:
        sink = Sink("o_sums", program.sums, 0, rng)
        await run(bench, [*(Source(name, beats, 0, rng) for name, beats in streams.items()), sink], lambda: sink.done)
        await bench.cycle()  # what registers hold at the end

    names = {*PORTS, *(f"o_sums__payload[{column}]" for column in range(config.columns))}
    for column in range(config.columns):
        names |= {_bank(config, column, address) for address in _addresses(program.commands)}
        for row in range(config.rows):
            names |= {_path(config, row, column) + name for name in PE_SIGNALS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "waves.vcd"
        simulate(MatrixUnit(config), play, vcd=path)
        return read_samples(path, names)


def _figures(
    config: SystolicConfig, job: Job, program: MatrixProgram, samples: Sequence[Mapping[str, int]]
) -> dict[str, Any]:
    """Put the samples in the form of `walk`."""
    plan, tiles, beats, drained = program.plan, [], [], []
    entries = [t for t, now in enumerate(samples) if now["i_activations__valid"] & now["i_activations__ready"]]
    for step, command in zip(plan.steps.tolist(), plan.commands, strict=True):
        _, n_tile, m_start, k_tile, *_ = step
        if command["swap"]:
            tiles.append({"row": k_tile * config.rows, "column": n_tile * config.columns})
        for index in range(int(command["rows"])):
            if command["drain"]:
                drained.append(len(beats))
            beats.append({"cycle": entries[len(beats)], "row": m_start + index, "tile": len(tiles) - 1})
    unit = _Unit(config, job.b.dtype.kind == "i", beats, samples)
    steps = [unit.step(cycle) for cycle in range(len(samples) - 1)][entries[0] :]
    leaving = [step["leaving"] for step in steps if step["leaving"]]
    for row, beat in zip(leaving, drained, strict=True):
        row["beat"] = beat
    return {
        "shape": [plan.m, plan.k, plan.n],
        "rows": config.rows,
        "columns": config.columns,
        "activations": job.a.tolist(),
        "weights": job.b.tolist(),
        "product": program.assemble(np.array([row["sums"] for row in leaving])).tolist(),
        "tiles": tiles,
        "beats": beats,
        "steps": steps,
    }


class _Unit:
    """What the samples say of each cycle; cycles come one after the other."""

    def __init__(
        self,
        config: SystolicConfig,
        weights_signed: bool,
        beats: Sequence[Mapping[str, int]],
        samples: Sequence[Mapping[str, int]],
    ) -> None:
        self._config, self._weights_signed, self._beats, self._samples = config, weights_signed, beats, samples
        self._entered = {beat["cycle"]: index for index, beat in enumerate(beats)}
        self._held: dict[int, int] = {}
        self._landed = 0
        size = config.rows, config.columns
        self._swaps, self._loads = np.zeros(size, int), np.zeros(size, int)

    def step(self, cycle: int) -> dict[str, Any]:
        """All that is known of a cycle."""
        now, after = self._samples[cycle], self._samples[cycle + 1]
        rows, columns = range(self._config.rows), range(self._config.columns)
        result = {
            "cycle": cycle,
            "entering": [self._entering(now, row, self._entered.get(cycle - row)) for row in rows],
            "pes": [[self._pe(cycle, row, column) for column in columns] for row in rows],
            "accumulators": self._accumulators(now, after),
            "leaving": self._leaving(now),
        }
        for row in rows:
            for column in columns:
                path = _path(self._config, row, column)
                self._swaps[row, column] += now[f"{path}i_control.swap"]
                self._loads[row, column] += now[f"{path}i_control.load"]
        return result

    def _entering(self, now: Mapping[str, int], row: int, beat: int | None) -> dict[str, int] | None:
        if beat is None:
            return None
        bits = now[f"{_path(self._config, row, 0)}i_activation"]
        return {"beat": beat, "activation": _signed(bits, self._config.operand_bits)}

    def _pe(self, cycle: int, row: int, column: int) -> dict[str, int | None]:
        config, path = self._config, _path(self._config, row, column)
        now, after = self._samples[cycle], self._samples[cycle + 1]
        swaps, loads = int(self._swaps[row, column]), int(self._loads[row, column])
        shadow = _signed(now[f"{path}shadow"], config.data_bits) if self._weights_signed else now[f"{path}shadow"]
        beat = self._entered.get(cycle - row - column - 1)
        return {
            "tile": swaps - 1 if swaps else None,
            "weight": _signed(now[f"{path}weight"], config.operand_bits) if swaps else None,
            "next": shadow if loads > swaps else None,
            "beat": beat,
            "activation": None if beat is None else _signed(now[f"{path}activation"], config.operand_bits),
            "psum": None if beat is None else _signed(after[f"{path}psum"], config.psum_bits),
        }

    def _accumulators(self, now: Mapping[str, int], after: Mapping[str, int]) -> list[dict[str, Any]]:
        """Rows that were written, with the beat that was it last; rows land in the order in which they entered."""
        config = self._config
        if now["accumulators.column_0.i_write"]:
            self._held[now["accumulators.column_0.i_write_address"]] = self._landed
            self._landed += 1
        return [
            {
                "address": address,
                "beat": beat,
                "sums": [
                    _signed(
                        after[_bank(config, column, address)] >> column % config.tile_columns * config.accumulator_bits,
                        config.accumulator_bits,
                    )
                    for column in range(config.columns)
                ],
            }
            for address, beat in sorted(self._held.items())
        ]

    def _leaving(self, now: Mapping[str, int]) -> dict[str, Any] | None:
        if not now["o_sums__valid"] & now["o_sums__ready"]:
            return None
        names = (f"o_sums__payload[{column}]" for column in range(self._config.columns))
        return {"sums": [_signed(now[name], self._config.accumulator_bits) for name in names]}


def _signed(bits: int, width: int) -> int:
    """The number that the lowest bits are."""
    return ((bits & (1 << width) - 1) ^ 1 << width - 1) - (1 << width - 1)
