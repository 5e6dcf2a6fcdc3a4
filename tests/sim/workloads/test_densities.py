import pytest

from tensorloom.sim.workloads.densities import SNAP_MEAN, falling_densities
from tensorloom.sim.workloads.layers import NETWORKS

LAYERS = NETWORKS["resnet50"]


def test_means_by_multiplications_are_those_of_the_paper():
    macs = [layer.macs for layer in LAYERS]
    found = falling_densities(LAYERS)
    for mean, column in zip(SNAP_MEAN, zip(*found, strict=True), strict=True):
        assert sum(a * b for a, b in zip(macs, column, strict=True)) / sum(macs) == pytest.approx(mean, abs=1e-4)


def test_they_fall():
    found = dict(zip((layer.name.split("/")[1] for layer in LAYERS), falling_densities(LAYERS), strict=True))
    assert found["conv1"][0] == 1
    assert found["res2a_branch1"] == found["res2a_branch2a"] == found["res2c_branch2a"]
    for place in ("2a", "2b", "2c"):
        stages = [found[f"res{stage}a_branch{place}"] for stage in (2, 3, 4, 5)]
        assert stages == sorted(stages, reverse=True)
    for stage in (2, 3, 4, 5):
        block = [found[f"res{stage}a_branch{place}"][0] for place in ("2a", "2b", "2c")]
        assert block == sorted(block, reverse=True)
