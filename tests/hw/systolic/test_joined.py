"""Joined programs on the compiled matrix unit; `unit.run` compares all counters with the cycle model."""

import numpy as np
import pytest

from tensorloom.sim.systolic.batch import join_programs
from tensorloom.tb.systolic.random_products import random_products


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 40))])
def test_random_lists(unit, seed):
    programs, results = random_products(unit.config, np.random.default_rng(seed))
    joined = join_programs(unit.config, programs)
    for options in ({"idle_cycles": 50}, {"stalls": 0.4, "seed": seed}):
        run = unit.run(joined, joined.sums, **options)
        assert run.counters["o_error"] == 0
        for got, expected in zip(joined.assemble(run.outputs["o_sums"]), results, strict=True):
            assert np.array_equal(got, expected)
