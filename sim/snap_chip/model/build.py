"""What the chip's cycle model starts with: after reset, and when a layer begins."""

from collections.abc import Sequence

import numpy as np

from ....hw.snap_chip.command import COMMAND_BYTES, fields_of
from ....hw.snap_chip.config import BLOCKS, SnapChipConfig
from ...bus.state import FIFO, LOADER, new_bus, new_port
from ...memory_timing import MemoryTiming
from ..command import column_dilation, left_padding
from ..work import LayerWork, tile_words
from .cores import idle_core, new_cores
from .machine import ASK
from .state import (
    BANK,
    BLOCK,
    CARRIED,
    CHIP,
    COPY,
    ITEM,
    LAYER,
    PARSER,
    PORT,
    READER,
    READERS,
    RING,
    ROW,
    SIZES,
    Chip,
)  # fmt: skip
from .work import expand_items, list_blocks, list_items
from .writing import SEGMENT

__all__ = ["begin_layer", "new_chip"]

MOST_CORES = 8
"""Machines that there are, so that compiled functions are the same for all chips; those behind the last core rest."""

LENGTH_BYTES, SCALE_BYTES = 4, 8


def _sizes(config: SnapChipConfig) -> np.ndarray:
    sizes, bus = np.zeros(1, SIZES), config.bus
    values = {
        "rows": config.banks, "columns": config.core.core_columns, "cores": config.cores,
        "entries": config.core.beat_entries, "channels": config.tile_channels, "bitmap_bytes": config.bitmap_bytes,
        "beat_words": config.beat_words, "bank_words": config.bank_words, "row_words": config.row_words,
        "run_words": config.run_words,
        "directory_entries": config.directory_entries, "tile_slots": config.tile_slots,
        "resident_bands": config.resident_bands, "residual_steps": config.tile_channels // config.residual_lanes,
        "core_kernels": config.core_kernels, "lengths": bus.bytes // LENGTH_BYTES, "scales": bus.bytes // SCALE_BYTES,
        "command_beats": COMMAND_BYTES // bus.bytes, "blocks": BLOCKS,
        "carries": config.carries,
    }  # fmt: skip
    for name, value in values.items():
        sizes[name] = value
    return sizes


def new_chip(config: SnapChipConfig, works: Sequence[LayerWork], timing: MemoryTiming, list_address: int) -> Chip:
    """Chip whose list has been started."""
    rows, cores, rings = config.banks, config.cores, config.rings
    sizes, chip = _sizes(config), np.zeros(1, CHIP)
    state = chip[0]
    state["fetch"], state["command"], state["command_at"] = ASK, -1, list_address
    loaders = np.zeros(READERS + rings, LOADER)
    loaders["free"] = config.weight_rows
    loaders["free"][:READERS] = [*2 * (config.bus.max_burst, config.bus.fifo_depth), config.bus.max_burst]
    jobs = np.zeros((len(works) + 1, rings, 3), np.int64)
    operations = np.zeros(len(works) + 1, np.int64)
    for number, work in enumerate(works):
        operations[number] = work.command["operation"]
        jobs[number] = [
            [work.command[f"weight_{name}_{ring}"] for name in ("address", "beats")] + [work.command["passes"]]
            for ring in range(rings)
        ]
    nothing = np.zeros(1, np.int64)
    bits = np.zeros(MOST_CORES * (config.core.core_columns + rows + 1 + config.core.ports), bool)
    return Chip(
        sizes=sizes, bus=new_bus(config.bus, timing), chip=chip, layer=np.zeros(1, LAYER),
        memory_port=new_port(config.bus, timing), loaders=loaders, fifos=np.zeros(READERS, FIFO),
        readers=np.zeros(2, READER), parsers=np.zeros(2, PARSER), rings=np.zeros(rings, RING),
        copies=np.zeros(rows * cores + cores + rings + 1, COPY), rows=np.zeros(rows, ROW),
        ports=np.zeros(cores * rows, PORT),
        carried=np.zeros(max(1, cores * config.carries), CARRIED), banks=np.zeros(rows, BANK),
        bands=np.zeros((config.resident_bands + 2, rows), np.int64), jobs=jobs,
        operations=operations, blocks=np.zeros(1, BLOCK), items=np.zeros(1, ITEM), reads=nothing,
        tile_beats=np.zeros((1, rows), np.uint8), ends_block=np.zeros(1, bool), in_words=nothing,
        residual_words=nothing, out_words=nothing, in_lengths=nothing, residual_lengths=nothing,
        group_ops=np.zeros((rings, 1), np.int64), ops=np.zeros((rings, 1), np.int64),
        cores=tuple(idle_core(config, core, bits) for core in range(MOST_CORES)), bits=bits,
        stored=np.zeros(rings, np.int64),
    )  # fmt: skip


def _layer(config: SnapChipConfig, work: LayerWork) -> np.ndarray:
    layer, command = np.zeros(1, LAYER), work.command
    for field in fields_of(config):
        layer[field.name] = command[field.name]
    layer["convolves"] = work.convolves
    layer["across"], layer["left"] = column_dilation(config, command), left_padding(config, command)
    return layer


def _words(config: SnapChipConfig, bitmaps: np.ndarray | None, lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Words of tiles less one, with one more behind the last, and beats of segments."""
    if bitmaps is None:
        return np.zeros(1, np.int64), np.zeros(1, np.int64)
    words, lengths = tile_words(config, bitmaps, lines)
    return np.append(words - 1, 0), np.append(lengths, 0)


def begin_layer(config: SnapChipConfig, chip: Chip, work: LayerWork) -> Chip:
    """The chip with a layer that begins: registers as after the cycle in which it does."""
    layer, command = _layer(config, work), work.command
    blocks = np.zeros(list_blocks(layer, np.zeros(0, BLOCK)) + 1, BLOCK)
    layer["blocks"] = list_blocks(layer, blocks[:-1])
    columns, rows = config.core.core_columns, config.banks
    sent = np.zeros((len(blocks) - 1) * command["weight_groups"], np.int64)
    items = np.zeros(list_items(layer, blocks[:-1], columns, rows, np.zeros(0, ITEM), sent), ITEM)
    list_items(layer, blocks[:-1], columns, rows, items, sent)
    cuts = np.array(
        [0, *(command[f"cut_{n}"] for n in range(1, columns)), command["rest_tiles"] * config.tile_channels]
    )
    requests = int(items["tiles"].sum())
    reads, tile_beats = np.zeros(requests + 1, np.int64), np.zeros((requests + 1, rows), np.uint8)
    ends_block = np.zeros(requests + 1, bool)
    parts = np.zeros((rows, columns, len(items)), np.uint64)
    counts = np.zeros(parts.shape, np.uint8)
    most = -(-config.tile_channels // config.core.beat_entries) + columns
    words, word_ends = np.zeros((rows, most * requests), np.int64), np.zeros(rows, np.int64)
    expand_items(
        layer, chip.sizes, cuts, items, work.inputs, reads, tile_beats, ends_block, parts, counts, words, word_ends
    )
    in_words, in_lengths = _words(config, work.inputs, command["band_lines"])
    residual_words, residual_lengths = _words(config, work.residual, command["region_lines"])
    cores, group_ops, ops = chip.cores, chip.group_ops, chip.ops
    if work.convolves:
        activations = [words[row, : word_ends[row]] for row in range(rows)]
        cores, group_ops, ops = new_cores(config, chip, work, blocks[:-1], sent, parts, counts, activations)
    _reset(config, chip, layer[0], len(in_lengths) - 1, len(residual_lengths) - 1)
    return chip._replace(
        layer=layer, blocks=blocks, items=np.append(items, np.zeros(1, ITEM)), reads=reads, tile_beats=tile_beats,
        ends_block=ends_block, in_words=in_words, in_lengths=in_lengths, residual_words=residual_words,
        residual_lengths=residual_lengths,
        out_words=np.append(tile_words(config, work.outputs, command["region_lines"])[0], 0), cores=cores,
        group_ops=group_ops, ops=ops,
    )  # fmt: skip


def _reset(config: SnapChipConfig, chip: Chip, layer: np.void, segments: int, residual_segments: int) -> None:
    """Set the registers that the beginning of a layer sets, and those that count places in arrays of a layer."""
    state = chip.chip[0]
    for number, name, count in ((0, "in", segments), (1, "residual", residual_segments)):
        reader, residual = chip.readers[number], name == "residual"
        reader["segment"] = 0
        if residual and not (layer["residual"] and layer["convolves"]):
            continue
        reader["asks"], reader["left"], reader["count"] = 1, count, count
        reader["address"], reader["table"] = layer[f"{name}_address"], layer[f"{name}_table"]
        reader["pitch"] = layer["out_pitch" if residual else "in_pitch"]
    chip.parsers["tile"] = 0
    state["scales"] = layer["convolves"]
    state["start"] = state["address"] = layer["out_address"]
    state["table"] = layer["out_table"]
    for name in ("listed", "tile", "region", "pixel", "tiles_read", "given", "rounds", "rounds_loaded", "band_line"):
        state[name] = 0
    state["segments"] = SEGMENT
    state["scan_left"] = state["slots_left"] = layer["out_lines"]
    for name in ("tile", "round", "tiles", "pending", "waits"):
        chip.ports[name] = 0
    for name in ("tail_line", "free_line", "pixels", "block", "scan_block", "looked", "put", "input_waits"):
        state[name] = 0
    state["more"] = state["counts"] = 1
    state["request_item"] = -1
    chip.rows["at"] = 0
    chip.ports["last"] = state["cycle"]
    for name in ("block", "group", "op", "starves"):
        chip.rings[name] = 0
