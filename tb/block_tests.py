"""The cocotb tests of one block of a design: its testbenches at its own configuration.

`block_run` has cocotb run this module; the data that it gives name the block.
"""

import pickle
from typing import Any

import cocotb

from .block_benches import Check, bench_folders, testbenches
from .cocotb_bench import CocotbBench, random_generator
from .runner import job_data
from .streams import reset

__all__: list[str] = []


def _test(name: str, check: Check, config: Any) -> Any:
    async def on_verilog(dut: Any) -> None:
        job = job_data()
        await reset(dut, job["manifest"])
        await check(CocotbBench(dut, job["manifest"]), config, random_generator(job["seed"], name, job["block"]))

    return cocotb.test(name=name)(on_verilog)


_COMPONENT, _CONFIG = pickle.loads(bytes.fromhex(job_data()["pickled"]))
for _name, _check in testbenches(bench_folders())[_COMPONENT].items():
    globals()[_name] = _test(_name, _check, _CONFIG)
