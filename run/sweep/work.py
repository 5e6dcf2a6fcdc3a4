"""What a process does for a sweep: a layer on a configuration, or the area of a configuration."""

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ...hw.config import Config
from ...hw.errors import FailureError, UsageError
from ...sim.workloads.layers import LayerShape
from ..emission import emit_design
from ..execution import Simulator, predict_counters
from ..finished import sources_digest
from ..jobs import Job, layer_job
from ..progress import Stages, silent
from ..registry import Design, engines

__all__ = ["measure_design", "models_digest", "run_point"]

ROOT = Path(__file__).parent.parent.parent


@cache
def models_digest(engine: str) -> str:
    """Hash of all sources that the figures of an engine depend on."""
    return sources_digest(ROOT, ("hw", "sim", f"run/{engines()[engine].package}"))


def run_point(
    design: Design,
    layer: LayerShape,
    densities: tuple[float, float],
    bits: int,
    seed: int,
    digest: str,
    rtl: bool,
    tell: Callable[[float], None],
    stages: Stages = silent,
) -> dict[str, Any]:
    """Figures of a layer with random tensors: values for JSON.

    Parameters
    ----------
    bits
        Width of the tensors' numbers.
    digest
        `models_digest` of who asks.
    rtl
        Run it on the Verilog too, and compare everything.
    tell
        Takes the share that is done.

    Returns
    -------
    dict
        ``cycles``, ``macs``, ``utilisation``, ``where_cycles_went``, ``source``; or ``refused``, and why.

    Raises
    ------
    UsageError
        If this process has other sources than who asks.
    FailureError
        If the Verilog differs from its models.
    """
    engine, config = design.engine, design.config
    if models_digest(engine.name) != digest:
        text = "workers must have the same models as this machine, not others"
        raise UsageError(text, "install the same version of tensorloom there")
    job = _job(layer, densities, bits, seed)
    try:
        program = engine.map(config, job)
    except UsageError as error:
        return {"refused": str(error)}
    if rtl:
        outcome = _simulator(engine.name, design.name, config).run(job, program)
        if not outcome.passed:
            raise FailureError(f"{layer.name} on {design.name}: {outcome.complaint}")
        counters, macs, shares = outcome.counters, outcome.macs, outcome.where_cycles_went()
    else:
        counters, _ = predict_counters(design, program, None, stages)
        macs, shares = engine.macs(program, counters), counters.where_cycles_went() if counters.cycles else {}
    tell(1.0)
    slots = (counters.cycles or 0) * config.multipliers
    return {
        "source": "rtl" if rtl else "model",
        "cycles": counters.cycles,
        "macs": macs,
        "utilisation": round(macs / slots, 6) if slots else None,
        "where_cycles_went": {name: round(share, 6) for name, share in shares.items()},
    }


def measure_design(design: Design, tell: Callable[[float], None]) -> dict[str, Any]:
    """Area of a design's logic in two-input NAND gates, bits of memories, cells on the longest path: see `tb.area`."""
    from ...tb.area import measure_area

    report = measure_area(emit_design(design))
    tell(1.0)
    top = report.modules[report.top]
    return {"area": round(report.area), "memory_bits": top.memory_bits, "depth": top.depth}


@lru_cache(2)
def _job(layer: LayerShape, densities: tuple[float, float], bits: int, seed: int) -> Job:
    """The same for all configurations of a width."""
    return layer_job(layer, *densities, bits=bits, seed=seed)


@cache
def _simulator(engine: str, name: str, config: Config) -> Simulator:
    """The compiled design, once a process."""
    return Simulator(Design(engine=engines()[engine], name=name, config=config))
