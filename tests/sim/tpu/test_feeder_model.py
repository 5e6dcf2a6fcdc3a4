"""The cycle model's feeder and unified buffer against the hardware's, cycle by cycle."""

import random

import numpy as np
import pytest

from tensorloom.hw.tpu.feeder import Feeder
from tensorloom.hw.tpu.unified_buffer import UnifiedBuffer
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.tpu.entries import random_entry
from tensorloom.tb.tpu.parts import CONFIGS

CYCLES = 1200


def script_of(config, some):
    """Anything in every cycle: entries come and go, rows and commands are taken or not, puts, stores and fetches."""
    from .feeder_model import SCRIPT

    script = np.zeros(CYCLES, SCRIPT)
    for cycle in script:
        calm = some.random() < 0.9
        cycle["offered"], cycle["row"], cycle["command"] = (calm or some.getrandbits(1) for _ in range(3))
        cycle["fetch"] = some.choice([-1, -2, some.randrange(config.ub_rows)])
        cycle["store"] = some.choice([-1, some.randrange(config.ub_rows)])
        cycle["used"] = some.randint(1, config.row_granules)
        cycle["put"] = some.choice([-1, some.randrange(config.ub_granules - int(cycle["used"]) + 1)])
    return script


@pytest.mark.parametrize("name", CONFIGS)
def test_windows_and_what_is_read_for_them(name, seed):
    from .feeder_model import DONE, follow, model_of

    config, some = CONFIGS[name], random.Random(seed)
    entries = [random_entry(config, some, range(config.ub_granules), repeat=some.randint(1, 3)) for _ in range(CYCLES)]
    script, does = script_of(config, some), np.zeros(CYCLES, DONE)
    follow(model_of(config, entries), script, does)

    async def feeds(bench):
        number = 0
        for cycle, (s, d) in enumerate(zip(script, does, strict=True)):
            outputs = await bench.cycle({
                "i_entries_valid": int(s["offered"]), "i_entries_payload": entries[number],
                "o_activations_ready": int(s["row"]), "o_commands_ready": int(s["command"]),
            })  # fmt: skip
            window = outputs["o_window_payload"]
            valid = bool(outputs["o_window_valid"])
            assert valid == (d["window"] >= 0), cycle
            if valid:
                assert window["address"] == d["window"] & (1 << (config.ub_granules - 1).bit_length()) - 1, cycle
                counts = window["first"] < window["end"]
                assert counts == (d["first"] < d["end"]), cycle
                assert not counts or (window["first"], window["end"]) == (d["first"], d["end"]), cycle
            taken = bool(s["offered"]) and outputs["i_entries_ready"]
            assert (taken, outputs["o_done"]) == (d["taken"], d["done"]), cycle
            assert (s["row"] and outputs["o_activations_valid"]) == d["rows"], cycle
            assert (s["command"] and outputs["o_commands_valid"]) == d["commands"], cycle
            number += taken

    async def reads(bench):
        address_bits, row_bits = (config.ub_granules - 1).bit_length(), (config.ub_rows - 1).bit_length()
        for cycle, (s, d) in enumerate(zip(script, does, strict=True)):
            address, first, end = int(d["window"]) & (1 << address_bits) - 1, max(0, d["first"]), max(0, d["end"])
            none = d["first"] >= d["end"]
            window = {"address": address, "first": 0 if none else int(first), "end": 0 if none else int(end)}
            row = int(d["row"]) & (1 << row_bits) - 1
            put = {"address": max(0, int(s["put"])), "used": int(s["used"]), "data": 0}
            outputs = await bench.cycle({
                "i_window_valid": int(d["window"] >= 0), "i_window_payload": window, "i_fetch_row": row,
                "i_put_valid": int(s["put"] >= 0), "i_put_payload": put, "i_store_valid": int(s["store"] >= 0),
                "i_store_payload": {"row": max(0, int(s["store"])), "mask": 1, "data": 0},
            })  # fmt: skip
            assert outputs["o_fetch_ready"] == d["fetch"], cycle
            assert (s["store"] >= 0 and outputs["i_store_ready"]) == d["store"], cycle

    simulate(Feeder(config), feeds)
    simulate(UnifiedBuffer(config), reads)
    assert does["done"].sum() > 10 and {0, 1} == set(does["fetch"].tolist())
