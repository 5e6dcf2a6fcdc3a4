"""Testbench of the entry decoder."""

import numpy as np

from ...hw.eie.config import EieConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .cluster_parts import PARTS


@testbench(PARTS["entry_decoder"])
async def entries(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Any entries, one column after the other; rows beyond the last, fillers, and what looks like one."""
    limit, largest = 1 << config.data_bits - 1, (1 << config.index_bits) - 1
    codebook = rng.integers(-limit, limit, config.codes).tolist()
    expected, row, errors = None, -1, set()
    for cycle in range(400):
        quarter = {"valid": int(cycle < 4 or rng.random() < 0.02), "quarter": cycle % 4}
        weights = rng.integers(-limit, limit, config.codes // 4).tolist()
        count = int(rng.integers(0, config.lanes + 1)) if cycle > 3 else 0
        first, split = int(rng.random() < (0.3, 0.03)[cycle // 100 % 2]), int(rng.integers(0, config.lanes + 1))
        found = [
            {
                "code": int(rng.choice([0, int(rng.integers(config.codes))])),
                "index": int(rng.choice([0, largest, int(rng.integers(largest + 1))], p=[0.3, 0.2, 0.5])),
            }
            for _ in range(config.lanes)
        ]
        activations = rng.integers(-limit, limit, 2).tolist()
        taken = {
            "valid": (1 << count) - 1, "second": -1 << split & (1 << config.lanes) - 1,
            "places": [0] * config.lanes, "activations": activations, "first": first,
        }  # fmt: skip
        outputs = await bench.cycle(
            {"i_codebook": quarter | {"weights": weights}, "i_taken": taken, "i_entries": found}
        )
        if expected is not None:
            operands, row_error, filler_error = expected
            for operand, wanted in zip(outputs["o_operands"], operands, strict=True):
                assert operand["valid"] == (wanted is not None)
                assert wanted is None or operand == wanted
            assert (outputs["o_row"], outputs["o_filler"]) == (row_error, filler_error)
            errors.add((row_error, filler_error))
        operands, row_error, filler_error = [], 0, 0
        for lane, entry in enumerate(found):
            code, index = entry["code"], entry["index"]
            valid = lane < count
            if config.relative and valid:
                row = min(config.rows, (-1 if first else row) + index + 1)
            place = row if config.relative else index
            silent = config.relative and code == 0
            row_error |= valid and place >= config.rows
            filler_error |= valid and silent and index != largest
            operands.append(
                {
                    "valid": 1, "row": place, "weight": codebook[code],
                    "activation": activations[int(lane >= split)],
                }
                if valid and not silent and place < config.rows
                else None
            )  # fmt: skip
        expected = operands, int(row_error), int(filler_error)
        if quarter["valid"]:
            size = config.codes // 4
            codebook[quarter["quarter"] * size : (quarter["quarter"] + 1) * size] = weights
    beyond = config.relative or config.rows <= largest
    assert errors >= {(row, filler) for row in range(1 + beyond) for filler in range(1 + config.relative)}
