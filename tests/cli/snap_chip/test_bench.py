"""``tensorloom bench snap-chip`` on the smallest chip."""

import json
from collections.abc import Callable

import pytest

from tensorloom.run.snap_chip.benchmark import LAYERS, QUICK
from tensorloom.sim.workloads.layers import find_layer


def test_layers_are_known() -> None:
    assert all(find_layer(name) for name, _ in LAYERS + QUICK) and len(LAYERS) == 8


@pytest.mark.slow
def test_quick_bench(run: Callable) -> None:
    result = run("bench", "snap-chip", "--quick", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["preset"] == "snap-chip-tiny" and found["cycles_per_frame"] is None
    assert found["build_seconds"] > 0 and found["cycles_per_second"] > 0 and found["speedup_over_dense"] > 1
    assert [layer["name"] for layer in found["layers"]] == [name for name, _ in QUICK]
    for layer in found["layers"]:
        assert layer["source"] == "rtl" and layer["bit_exact"] and layer["equals_cycle_model"]
        assert 0 < layer["utilisation"] < 1 and layer["dense_cycles"] > layer["cycles"] > 0
        assert layer["weight_bytes"] > 0 and sum(layer["where_cycles_went"].values()) == pytest.approx(1, abs=1e-3)
