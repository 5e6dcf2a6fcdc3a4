"""Utilisation against the number of activation rows: the matrix unit's cycle model and SCALE-Sim's formula."""

from plot import plot_text, pyplot

from tensorloom.hw.systolic.config import PRESETS
from tensorloom.sim.systolic.cycles import predict
from tensorloom.sim.systolic.plan import plan_matmul
from tensorloom.sim.systolic.scale_sim import scale_sim_cycles

__all__ = ["draw", "figures"]

PRESET = "systolic-256"
K, N = 1024, 1024
ROWS = sorted({*(1 << power for power in range(14)), *(3 << power for power in range(12))})


def figures() -> dict[str, list[float]]:
    """M, and utilisation for each M by cycle model, by SCALE-Sim's formula, and as far as weight loading allows."""
    config = PRESETS[PRESET]
    values: dict[str, list[float]] = {"m": list(map(float, ROWS)), "matrix_unit": [], "scale_sim": [], "bound": []}
    for m in ROWS:
        plan = plan_matmul(config, m, K, N)
        slots = config.multipliers * scale_sim_cycles(config.rows, config.columns, m, K, N)
        values["matrix_unit"].append(round(predict(config, plan.commands).utilisation(config, plan.macs), 5))
        values["scale_sim"].append(round(plan.macs / slots, 5))
        values["bound"].append(round(min(1, m / config.rows), 5))
    return values


def draw() -> str:
    """Text of the picture; its description holds the figures as JSON."""
    values, config = figures(), PRESETS[PRESET]
    figure, axes = pyplot().subplots(figsize=(8, 4.2), layout="constrained")
    axes.plot(values["m"], values["matrix_unit"], "o-", color="#205493", label="matrix unit (cycle model)")
    axes.plot(values["m"], values["scale_sim"], "s-", color="#c05a2b", label="SCALE-Sim v3 formula")
    axes.plot(values["m"], values["bound"], ":", color="#6b7785", label=f"bound by weight loading, M / {config.rows}")
    axes.set_xscale("log", base=2)
    axes.set_xticks([1 << power for power in range(14)], [f"{1 << power:,}" for power in range(14)])
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("M, activation rows")
    axes.set_ylabel("utilisation, zeros count")
    axes.set_title(f"M x {K} by {K} x {N} on {config.rows} x {config.columns} PEs, 8-bit operands")
    axes.grid(color="#e3e8ee")
    axes.legend(loc="upper left")
    return plot_text(figure, values)
