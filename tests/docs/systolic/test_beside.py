"""The page that puts SCALE-Sim beside the matrix unit: ours by the cycle model, SCALE-Sim's cycles by its formula."""

from tensorloom.hw.systolic.config import PRESETS
from tensorloom.run.systolic.beside import WHAT
from tensorloom.sim.systolic.cycles import predict
from tensorloom.sim.systolic.plan import plan_matmul
from tensorloom.sim.systolic.scale_sim import scale_sim_cycles
from tensorloom.sim.workloads.layers import find_layer

from ..pages import number, table


def test_layers() -> None:
    rows, sums = table("beside-layers"), [0, 0]
    for design, name, size, theirs, ours, ratio, _, utilisation in rows:
        config, layer = PRESETS[design], find_layer(name)
        assert layer and layer.text == size
        x, y = layer.geometry.output
        k, n = layer.rows * layer.columns * layer.channels // layer.groups, layer.kernels // layer.groups
        plan = plan_matmul(config, x * y, k, n)
        cycles = predict(config, plan.commands)
        assert number(ours) == cycles.cycles
        assert number(theirs) == scale_sim_cycles(config.rows, config.columns, x * y, k, n) - 1
        assert ratio == f"{number(theirs) / number(ours):.2f}"
        assert utilisation == f"{cycles.utilisation(config, plan.macs):.1%}"
        if design == "systolic-256":
            sums = [total + layer.groups * number(one) for total, one in zip(sums, (theirs, ours), strict=True)]
    figures = {row[0]: row[1:3] for row in table("beside-figures")}
    assert [*figures] == list(WHAT.values())
    assert [number(one) for one in figures["cycles"]] == sums


def test_what_is_alike_is() -> None:
    for what, theirs, ours, text in table("beside-figures"):
        assert text.endswith("equal.") == (theirs == ours and what != "weights that enter the array"), what
