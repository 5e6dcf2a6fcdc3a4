"""Beats of a SNAP core's input streams, field by field as the hardware names them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from .program import CoreProgram, Stream

__all__ = ["beat_values", "block_sums", "program_inputs", "program_outputs"]


def _weights(stream: Stream) -> dict[str, Any]:
    entries = {"value": stream.values, "index": stream.indices, "slot": stream.slots, "kind": stream.classes}
    return {"entries": entries, "count": stream.counts, "mask": stream.masks} | _flags(stream) | {
        "block_last": stream.block_last
    }  # fmt: skip


def _activations(stream: Stream) -> dict[str, Any]:
    return {
        "entries": {"value": stream.values, "index": stream.indices}, "count": stream.counts, "mask": stream.masks,
        "slot": stream.tile_slots, "classes": stream.tile_classes,
    } | _flags(stream)  # fmt: skip


def _flags(stream: Stream) -> dict[str, np.ndarray]:
    return {"last": stream.last, "group_last": stream.group_last}


def program_inputs(program: CoreProgram) -> dict[str, Any]:
    """Beats of the core's input streams."""
    inputs = {f"i_weights_{number}": _weights(stream) for number, stream in enumerate(program.weights)}
    inputs |= {f"i_activations_{number}": _activations(stream) for number, stream in enumerate(program.activations)}
    commands = {"slots": program.slots, "ports": program.ports, "row_mode": program.row_mode.astype(np.int64)}
    return inputs | {"i_commands": commands}


def program_outputs(config: SnapConfig, program: CoreProgram) -> dict[str, int]:
    """Numbers of sums that the ports send."""
    sends = program.ports[:, None] >> np.arange(config.ports) & 1
    return {f"o_sums_{port}": int(count) for port, count in enumerate(program.slots @ sends)}


def block_sums(config: SnapConfig, program: CoreProgram, outputs: Mapping[str, Any]) -> list[np.ndarray]:
    """Sums by block ``[ports, slots]`` from the beats of the ports, 0 for ports that don't send.

    Raises
    ------
    ValueError
        If a port sends sums in another order than that of their slots.
    """
    sums = [np.zeros((config.ports, slots), np.int64) for slots in program.slots.tolist()]
    for port in range(config.ports):
        beats, at = outputs[f"o_sums_{port}"], 0
        for block, slots in enumerate(program.slots.tolist()):
            if program.ports[block] >> port & 1:
                chunk = slice(at, at + slots)
                if not np.array_equal(beats["slot"][chunk], np.arange(slots)):
                    raise ValueError(f"o_sums[{port}] must send the slots of block {block} in order")
                sums[block][port] = beats["value"][chunk]
                at += slots
    return sums


def beat_values(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Beats of a stream of `program_inputs` one by one, as testbenches take them."""
    values = {name: np.asarray(array).tolist() for name, array in fields.items() if name != "entries"}
    if "entries" in fields:
        entries = {name: array.tolist() for name, array in fields["entries"].items()}
        values["entries"] = [
            [dict(zip(entries, lane, strict=True)) for lane in zip(*beat, strict=True)]
            for beat in zip(*entries.values(), strict=True)
        ]
    return [dict(zip(values, beat, strict=True)) for beat in zip(*values.values(), strict=True)]
