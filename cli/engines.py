"""Registry of the accelerators: the one place that the command line learns an engine from.

Everything that needs Amaranth or numpy is named as ``module:function`` and imported when it is called, so that help
and lists start at once.
"""

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from ..hw.config import Config
from ..hw.snap import config as snap
from ..hw.systolic import config as systolic

__all__ = ["ENGINES", "Design", "Engine", "find_preset", "preset_names"]


def _later(reference: str) -> Callable[..., Any]:
    """Import ``module:function``, relative to the package, at the first call."""
    module, _, name = reference.partition(":")

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(module, __package__), name)(*args, **kwargs)

    return call


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """An accelerator and what can be done with it.

    Parameters
    ----------
    name, title
        Its name in commands and files, and what it is.
    config_class, presets
        Its configuration.
    summary
        One line about a configuration.
    figures
        Key figures of a configuration, numbers by name.
    component
        The Amaranth component of a configuration.
    map_job
        Maps a job to streams, ``map_job(design, job)``; a tensor that doesn't fit is a `UsageError`.
    simulator
        Runs mapped jobs on the emitted Verilog: see `simulate_systolic.Simulator`.
    demo
        Runs real input with a simulator, ``demo(simulator)``; gives a `Demonstration`.
    benchmark
        Measures the engine, ``benchmark(stages, quick=...)``; gives values for JSON.
    plot
        SVG text of what `benchmark` gave, or None.
    area_shares
        Shares of what is of interest in the area, from an `AreaReport`, or None.
    """

    name: str
    title: str
    config_class: type[Config]
    presets: Mapping[str, Config]
    summary: Callable[[Any], str]
    figures: Callable[[Any], dict[str, int]]
    component: Callable[[Any], Any]
    map_job: Callable[..., Any]
    simulator: Callable[..., Any]
    demo: Callable[..., Any]
    benchmark: Callable[..., dict[str, Any]]
    plot: Callable[[dict[str, Any]], str] | None = None
    area_shares: Callable[[Any], dict[str, float]] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Design:
    """A configuration that a command works on.

    Parameters
    ----------
    name
        The preset's, followed by what was changed.
    """

    engine: Engine
    name: str
    config: Any


def _systolic_summary(config: systolic.SystolicConfig) -> str:
    return (
        f"{config.rows} x {config.columns} PEs in {config.tile_rows} x {config.tile_columns} tiles, "
        f"{config.accumulator_rows} x {config.accumulator_bits}-bit accumulators a column"
    )


def _systolic_figures(config: systolic.SystolicConfig) -> dict[str, int]:
    return {
        "multipliers": config.multipliers,
        "operations_per_cycle": 2 * config.multipliers,
        "accumulator_bytes": config.accumulator_rows * config.columns * config.accumulator_bits // 8,
        "weight_fifo_bytes": config.weight_fifo_tiles * config.multipliers * config.data_bits // 8,
    }


def _snap_summary(config: snap.SnapConfig) -> str:
    return (
        f"{config.core_rows} x {config.core_columns} PEs of {config.pe_multipliers} multipliers, "
        f"{config.data_bits} bits, AIMs of {config.aim_entries} x {config.aim_entries} comparators"
    )


def _snap_figures(config: snap.SnapConfig) -> dict[str, int]:
    entry = config.data_bits + config.index_bits
    weight, activation = entry + config.slot_bits + (config.classes - 1).bit_length(), entry
    rings = config.weight_entries * weight + config.activation_entries * activation
    return {
        "multipliers": config.multipliers,
        "operations_per_cycle": 2 * config.multipliers,
        "comparators": config.core_rows * config.aim_entries**2,
        "register_file_bytes": config.pes * (rings + 2 * config.psum_slots * config.psum_bits) // 8,
    }


ENGINES: dict[str, Engine] = {
    "systolic": Engine(
        name="systolic",
        title="weight-stationary systolic matrix unit",
        config_class=systolic.SystolicConfig,
        presets=systolic.PRESETS,
        summary=_systolic_summary,
        figures=_systolic_figures,
        component=_later("..hw.systolic.matrix_unit:MatrixUnit"),
        map_job=_later(".simulate_systolic:map_job"),
        simulator=_later(".simulate_systolic:Simulator"),
        demo=_later(".demo_systolic:run"),
        benchmark=_later(".bench_systolic:benchmark"),
    ),
    "snap": Engine(
        name="snap",
        title="sparse convolution core (SNAP)",
        config_class=snap.SnapConfig,
        presets=snap.PRESETS,
        summary=_snap_summary,
        figures=_snap_figures,
        component=_later("..hw.snap.core:SnapCore"),
        map_job=_later(".simulate_snap:map_job"),
        simulator=_later(".simulate_snap:Simulator"),
        demo=_later(".demo_snap:run"),
        benchmark=_later(".bench_snap:benchmark"),
        plot=_later(".plot_cycles:plot_rows"),
        area_shares=_later(".area_snap:aim_shares"),
    ),
}


def preset_names() -> list[str]:
    """Presets of all engines."""
    return [name for engine in ENGINES.values() for name in engine.presets]


def find_preset(name: str) -> Design | None:
    """The preset of that name, if there is one."""
    for engine in ENGINES.values():
        if name in engine.presets:
            return Design(engine=engine, name=name, config=engine.presets[name])
    return None
