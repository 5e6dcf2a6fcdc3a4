"""Tables of recorded FPGA builds, from ``fpga/builds``."""

from collections.abc import Iterable
from typing import Any

from tensorloom.run.registry import engines

__all__ = ["fpga_tables"]


def fpga_tables(records: Iterable[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """Rows of the table of figures and of that of critical paths, by table."""
    figures, paths = [], []
    for record in records:
        engine = engines()[record["engine"]]
        name = [f"`{record['board']}`", f"`{record['engine']}`"]
        figures.append(
            [
                *name,
                engine.summary(engine.config_class.from_dict(record["config"])),
                f"{record['frequency_hz'] / 1e6:.4g}",
                f"{record['fmax_hz'] / 1e6:.1f}",
                *(f"{record[resource]:,}" for resource in ("lut", "ff", "dsp", "ram")),
                f"{record['gmac_per_s']:.3g}",
                f"{record['gmac_per_s_per_klut']:.2g}",
                f"{record['build_seconds']:,.0f}",
            ]
        )
        if path := record["critical_path"]:  # empty where the tool didn't say
            ends = [f"`{path[end].removeprefix('self_test.')}`" for end in ("from", "to")]
            delays = [f"{path[part]:.1f}" for part in ("logic_ns", "routing_ns")]
            paths.append([*name, *ends, *delays, str(path["cells"])])
    return {"fpga": figures, "fpga-paths": paths}
