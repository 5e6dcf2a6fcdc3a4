"""Testbench of the port that shows the AIM a window and one or two tiles."""

from typing import Any

import numpy as np

from ...hw.emit.shape import describe_shape
from ...hw.snap.config import SnapConfig
from ...hw.snap.layouts import tile_tag
from ...hw.snap.list_layouts import AimMode
from ..bench import Bench
from ..bits import pack_bits
from ..cocotb_bench import testbench
from .parts import PARTS
from .random_values import random_value

Beat = dict[str, Any]


def random_item(rng: np.random.Generator, beats: int, most: int, start: int | None = None) -> dict[str, int]:
    """An item of a ring of `beats` beats, up to `most` long: nothing, all, or anything."""
    start = int(rng.integers(2 * beats)) if start is None else start
    size = int(rng.choice([0, most, int(rng.integers(most + 1))]))
    return {"start": start, "end": (start + size) % (2 * beats)}


class _Stored:
    """The beats of both register files, and what the AIM must be shown of them."""

    def __init__(self, config: SnapConfig) -> None:
        self.config = config
        self.beats: dict[str, list[Any]] = {
            "weights": [None] * config.weight_beats,
            "activations": [None] * config.activation_beats,
        }

    def lanes(self, kind: str, item: dict[str, int], lanes: int) -> dict[int, Any]:
        """Entries of an item by lane, as many as there are lanes; None in those of a beat that was never stored."""
        beats, width = self.beats[kind], self.config.beat_entries
        shown: dict[int, Any] = {}
        for number in range(min((item["end"] - item["start"]) % (2 * len(beats)), lanes // width)):
            place = (item["start"] + number) % len(beats)
            beat = beats[place]
            for lane in range(width):
                if beat is None:
                    shown[(place * width + lane) % lanes] = None
                elif lane < beat["count"]:
                    shown[(place * width + lane) % lanes] = beat["entries"][lane]
        return shown


def compare(lanes: list[dict[str, int]], flag: str, wanted: dict[int, Any], fields: tuple[str, ...]) -> None:
    """Check which lanes have the flag, and the fields of those."""
    for lane, got in enumerate(lanes):
        entry = wanted.get(lane, {})
        if entry is not None:
            assert bool(got[flag]) == (lane in wanted), f"{flag} of lane {lane}"
            assert all(got[name] == entry[name] for name in fields if entry), f"lane {lane} must be {entry}"


async def show(bench: Bench, config: SnapConfig, stored: _Stored, rng: np.random.Generator, stores: float) -> None:
    """A random window and tiles, while beats are stored."""
    mode = int(rng.choice(list(AimMode)))
    window = random_item(rng, config.weight_beats, config.window_beats) | {"tag": int(rng.integers(4))}
    tiles = [random_item(rng, config.activation_beats, config.tile_beats >> mode)]
    tiles.append(random_item(rng, config.activation_beats, config.tile_beats >> mode, tiles[0]["end"]))
    tags = [random_value(rng, describe_shape(tile_tag(config))) for _ in tiles]
    half = int(rng.integers(2))
    inputs: dict[str, Any] = {"i_window": window, "i_mode": mode, "i_half": half}
    for number, (tile, tag) in enumerate(zip(tiles, tags, strict=True)):
        inputs[f"i_tiles_{number}"] = tile | {"tag": pack_bits(tag, describe_shape(tile_tag(config)))}
    arriving: dict[str, tuple[int, Beat]] = {}
    for kind, beats in stored.beats.items():
        beat = random_value(rng, bench.inputs[f"i_{kind}"])
        beat["count"] = int(rng.integers(config.beat_entries + 1))
        address, store = int(rng.integers(len(beats))), rng.random() < stores
        inputs |= {f"i_{kind}": beat, f"i_{kind}_store": int(store), f"i_{kind}_beat": address}
        if store:
            arriving[kind] = address, beat
    shown = (await bench.cycle(inputs))["o_operands"]
    assert shown["mode"] == mode and shown["half"] == half
    assert shown["classes"] == [tag["classes"] for tag in tags]
    compare(shown["weights"], "valid", stored.lanes("weights", window, config.window_entries), ("index", "kind"))
    compare(shown["tile"], "first", stored.lanes("activations", tiles[0], config.aim_entries), ("index",))
    second = stored.lanes("activations", tiles[1], config.aim_entries) if mode == AimMode.QUARTER else {}
    compare(shown["tile"], "second", second, ("index",))
    for kind, (address, beat) in arriving.items():
        stored.beats[kind][address] = beat


@testbench(PARTS["aim_port"])
async def random_items(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Windows and tiles of all lengths anywhere in their rings, empty and full ones, in beats that come and go."""
    stored = _Stored(config)
    for stores in (1, 0.5, 0):
        for _ in range(150 + (config.weight_beats if stores == 1 else 0)):
            await show(bench, config, stored, rng, stores)


@testbench(PARTS["aim_port"])
async def every_place(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """A full register file seen through a window and a tile at every place: of one beat, the longest, all the ring."""
    stored = _Stored(config)
    idle = {"i_weights_store": 0, "i_activations_store": 0, "i_mode": int(AimMode.FULL)}
    for kind, beats in stored.beats.items():
        for address in range(len(beats)):
            beat = random_value(rng, bench.inputs[f"i_{kind}"]) | {"count": config.beat_entries}
            await bench.cycle(idle | {f"i_{kind}": beat, f"i_{kind}_store": 1, f"i_{kind}_beat": address})
            beats[address] = beat
    sizes = (1, 1), (config.window_beats, config.tile_beats), (config.weight_beats, config.activation_beats)
    for start in range(2 * max(config.weight_beats, config.activation_beats)):
        for window, tile in sizes:
            items: dict[str, Any] = {}
            for name, kind, size in (("i_window", "weights", window), ("i_tiles_0", "activations", tile)):
                numbers = 2 * len(stored.beats[kind])
                items[name] = {"start": start % numbers, "end": (start + size) % numbers, "tag": 0}
            shown = (await bench.cycle(idle | items))["o_operands"]
            wanted = stored.lanes("weights", items["i_window"], config.window_entries)
            compare(shown["weights"], "valid", wanted, ("index", "kind"))
            wanted = stored.lanes("activations", items["i_tiles_0"], config.aim_entries)
            compare(shown["tile"], "first", wanted, ("index",))
            compare(shown["tile"], "second", {}, ())
