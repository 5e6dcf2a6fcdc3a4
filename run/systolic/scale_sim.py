"""SCALE-Sim, another simulator of weight-stationary arrays, run on layers as it is."""

import contextlib
import dataclasses
import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

from ...hw.errors import FailureError
from ...hw.systolic.config import SystolicConfig
from ...sim.workloads.layers import LayerShape

__all__ = ["ScaleSimFigures", "run_scale_sim"]

INSTALL = "scripts/setup, or pip install '.[scale-sim]', in a clone of tensorloom"
"""How to get the package."""

SETTINGS = """
[general]
run_name = run
[architecture_presets]
ArrayHeight : {rows}
ArrayWidth : {columns}
IfmapSramSzkB : {activations}
FilterSramSzkB : {weights}
OfmapSramSzkB : {sums}
IfmapOffset : 0
FilterOffset : 100000000
OfmapOffset : 200000000
Dataflow : ws
ReadRequestBuffer : 32
WriteRequestBuffer : 32
[layout]
IfmapCustomLayout : False
IfmapSRAMBankBandwidth : 10
IfmapSRAMBankNum : 10
IfmapSRAMBankPort : 2
FilterCustomLayout : False
FilterSRAMBankBandwidth : 10
FilterSRAMBankNum : 10
FilterSRAMBankPort : 2
[sparsity]
SparsitySupport : false
[run_presets]
InterfaceBandwidth : CALC
UseRamulatorTrace : False
"""
"""With ``CALC`` memory keeps nothing waiting, and what it would have to carry is reported."""

COLUMNS = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScaleSimFigures:
    """What SCALE-Sim says of a layer.

    Attributes
    ----------
    cycles
        ``Total Cycles``: the number of the last one, from 0 on.
    tiles
        Folds.
    mapping
        ``Mapping Efficiency``, from 0 to 1: PEs that hold a weight.
    macs
        Multiply-accumulates.
    activations, weights
        Reads of both buffers on the chip.
    sums
        Writes of sums, unfinished ones included.
    memory_reads, memory_writes
        Of memory.
    """

    cycles: int
    tiles: int
    mapping: float
    macs: int
    activations: int
    weights: int
    sums: int
    memory_reads: int
    memory_writes: int


def run_scale_sim(config: SystolicConfig, layer: LayerShape) -> ScaleSimFigures:
    """Run a layer, one of its groups, on an array of this size with memories as large as the TPU's or the layer's.

    Padding is part of its image, and lines and columns that no window reaches are left out, as SCALE-Sim rounds up.

    Raises
    ------
    FailureError
        If the package is missing.
    """
    try:
        from scalesim.memory.write_buffer import write_buffer
        from scalesim.scale_sim import scalesim
    except ModuleNotFoundError as error:
        raise FailureError(f"the Python package {error.name} is missing", INSTALL) from error
    _flatten_cycles(write_buffer)
    with (
        tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(),
    ):  # fmt: skip
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves the files open that it read
        root = Path(folder)
        texts = {
            "settings.cfg": SETTINGS.format(
                rows=config.rows, columns=config.columns, activations=24 << 10, weights=24 << 10, sums=4 << 10
            ),
            "layer.csv": f"{COLUMNS},\n{_row(layer)},\n",
            "layout.csv": "none,\n",  # it is always read, and never needed
        }
        for name, text in texts.items():
            (root / name).write_text(text, encoding="utf-8")
        settings, topology, layout = (str(root / name) for name in texts)
        simulator = scalesim(
            save_disk_space=True, verbose=False, config=settings, topology=topology, layout=layout,
            input_type_gemm=False,
        )  # fmt: skip
        simulator.run_scale(str(root / "reports"))
        (found,) = simulator.runner.single_layer_sim_object_list
    detail = [int(value) for value in found.get_detail_report_items()]
    compute = found.compute_system
    return ScaleSimFigures(
        cycles=int(found.total_cycles),
        tiles=compute.row_fold * compute.col_fold,
        mapping=float(found.mapping_eff) / 100,
        macs=int(found.num_compute),
        activations=detail[2],
        weights=detail[5],
        sums=detail[8],
        memory_reads=detail[11] + detail[14],
        memory_writes=detail[17],
    )


def _row(layer: LayerShape) -> str:
    height, width = layer.geometry.output
    stride = layer.stride
    assert isinstance(stride, int) and layer.dilation == 1, "of the networks here, and of its own files"
    sizes = (
        (height - 1) * stride + layer.rows, (width - 1) * stride + layer.columns, layer.rows, layer.columns,
        layer.channels // layer.groups, layer.kernels // layer.groups, stride,
    )  # fmt: skip
    return ", ".join(["layer", *map(str, sizes)])


def _flatten_cycles(buffer: Any) -> None:
    """Let it give a row of cycles for a row of requests, not a column: the caller (of 3.0.0) makes each an int.

    numpy takes an array of one element for a number no more from 2.4 on.
    """
    service = buffer.service_writes
    if not hasattr(service, "__wrapped__"):

        def flattened(self: Any, incoming_requests_arr_np: Any, incoming_cycles_arr_np: Any) -> Any:
            return service(self, incoming_requests_arr_np, incoming_cycles_arr_np).ravel()

        flattened.__wrapped__ = service  # pyrefly: ignore[missing-attribute]  # as functools.wraps does
        buffer.service_writes = flattened
