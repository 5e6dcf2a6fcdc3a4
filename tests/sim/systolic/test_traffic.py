import numpy as np
import pytest

from tensorloom.hw.systolic.config import PRESETS
from tensorloom.sim.systolic.plan import plan_matmul
from tensorloom.sim.systolic.traffic import Traffic, array_traffic

TINY = PRESETS["tiny"]


@pytest.mark.parametrize(
    ("sizes", "traffic"),
    [
        # one tile of 4 x 4
        ((3, 4, 4), Traffic(tiles=1, activations=12, weights=16, sums=12)),
        # 2 x 2 tiles: rows go to both columns of tiles, without the padding of the lower ones
        ((3, 5, 6), Traffic(tiles=4, activations=2 * 15, weights=30, sums=18)),
        # 40 rows are three blocks of at most 16: each loads both tiles anew
        ((40, 5, 4), Traffic(tiles=6, activations=200, weights=60, sums=160)),
        # but a tile that is the only one of its column stays
        ((40, 4, 4), Traffic(tiles=1, activations=160, weights=16, sums=160)),
    ],
)
def test_small_products(sizes: tuple[int, int, int], traffic: Traffic) -> None:
    plan = plan_matmul(TINY, *sizes)
    assert array_traffic(TINY, plan) == traffic
    assert np.count_nonzero(plan.commands["swap"]) == traffic.tiles
