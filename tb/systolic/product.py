"""Testbench of whole products on the matrix unit: mapped, streamed, assembled, compared with numpy."""

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Combine

from ...hw.systolic.config import SystolicConfig
from ...sim.golden.matmul import matmul
from ...sim.systolic.commands import command_fields
from ...sim.systolic.mapping import map_matmul
from ..cocotb_bench import random_generator
from ..runner import job_data
from ..streams import StreamSink, StreamSource, reset, within

INPUTS = ("i_weights", "i_activations", "i_commands")


def operand(rng: np.random.Generator, dtype: str, rows: int, columns: int) -> np.ndarray:
    """A random matrix with extreme values in it."""
    limits = np.iinfo(dtype)
    values = rng.integers(limits.min, limits.max, (rows, columns), dtype, endpoint=True)
    extreme = rng.random(values.shape) < 0.1
    values[extreme] = rng.choice([limits.min, limits.max])
    return values


@cocotb.test()
async def products(dut: Any) -> None:
    """Each product of the job's list (m, k, n, dtype of a, dtype of b), one after the other without a reset."""
    job = job_data()
    manifest, config = job["manifest"], SystolicConfig.from_dict(job["manifest"]["config"])
    rng = random_generator(job["seed"], "products")
    await reset(dut, manifest)
    for index, (m, k, n, kind_a, kind_b) in enumerate(job["products"]):
        a, b = operand(rng, kind_a, m, k), operand(rng, kind_b, k, n)
        program = map_matmul(config, a, b)
        beats = {
            "i_weights": program.weights.tolist(),
            "i_activations": program.activations.tolist(),
            "i_commands": command_fields(program.commands),
        }
        options = {"stall": job["stall"], "seed": job["seed"] + index}
        sources = [StreamSource(dut, manifest, name, **options) for name in INPUTS]
        sink = StreamSink(dut, manifest, "o_sums", after_valid=bool(index % 2), **options)
        tasks = [cocotb.start_soon(source.send(beats[source.name])) for source in sources]
        sums = cocotb.start_soon(sink.receive(program.sums))
        work = len(beats["i_activations"]) + len(beats["i_weights"]) + program.sums
        await within(Combine(*tasks, sums), int((4 * work + 2000) / (1 - job["stall"])))
        await sink.receive_nothing(10)
        got = program.assemble(np.array(sums.result()))
        np.testing.assert_array_equal(got, matmul(a, b), f"product {index} of {job['products']}")
        dut._log.info("product %s of %s: %s sums", index + 1, len(job["products"]), got.size)
