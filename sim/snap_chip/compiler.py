"""From layers and tensors to what lies in the chip's memory: commands, weights, scales, and room for tensors."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...hw.config import check, check_number
from ...hw.errors import ConfigError, wrong_type
from ...hw.snap_chip.command import COMMAND_BYTES, OPERATIONS
from ...hw.snap_chip.config import WORD_BYTES, SnapChipConfig
from ..golden.geometry import ConvolutionGeometry
from .check import bank_need, check_bands, check_command, check_config, check_rounds, most_bands
from .command import Command, assemble, complete, float_bits
from .diagonal import diagonal_columns, line_entries
from .layers import Convolution, Layer, MaxPool, Tensor
from .limits import check_geometry, check_tensor, refuse_above
from .mapping import Channels, block_lines, kernels_by_density, ring_images, stored_weights
from .orders import stored_channels
from .program import PlacedTensor, Program
from .regions import Limits, choose_lines
from .scales import encode_scales
from .tensors import TensorLayout
from .ways import choose_way

__all__ = ["check_layers", "compile_layers"]

ALIGNMENT = 8
"""Beats to which everything is aligned: those of a burst."""


WEIGHT_BYTES = 1.25
"""Of memory for a weight that is not zero, with what says where it is, on average."""

WEIGHT_SHARE = 0.7
"""Of the time of work that reading weights may take at most for bands to be made smaller."""


class _Memory:
    """Allots beats, and collects what lies there."""

    def __init__(self, config: SnapChipConfig) -> None:
        self._size = config.bus.bytes
        self._end = 0
        self._pieces: dict[bytes, tuple[int, np.ndarray]] = {}

    def allot(self, beats: int) -> int:
        """Beat of so much room."""
        address = self._end
        self._end += -(-beats // ALIGNMENT) * ALIGNMENT
        return address

    def put(self, data: np.ndarray) -> int:
        """Beat of these bytes; those of another layer are shared, as where one network takes several images."""
        key = data.tobytes()
        if key not in self._pieces:
            self._pieces[key] = self.allot(-(-len(data) // self._size)), data
        return self._pieces[key][0]

    def image(self) -> np.ndarray:
        """All bytes."""
        image = np.zeros(self._end * self._size, np.uint8)
        for address, data in self._pieces.values():
            image[address * self._size :][: len(data)] = data
        return image


def compile_layers(
    config: SnapChipConfig,
    inputs: Mapping[str, Tensor],
    layers: Sequence[Layer],
    densities: Mapping[str, float] | None = None,
) -> Program:
    """Compile layers that run one after the other.

    Parameters
    ----------
    inputs
        The tensors that no layer makes.
    densities
        Of tensors, by name: share of values that are not the zero point, as far as it is known; by default 1, and
        whatever the values, all regions fit the buffers.

    Raises
    ------
    ConfigError
        If a layer doesn't fit: which buffer, and by how much; or if layers, names and shapes don't go together.
    """
    check_config(config)
    if not isinstance(inputs, Mapping):
        raise wrong_type("inputs", "tensors by name", inputs)
    if not isinstance(layers, Sequence):
        raise wrong_type("layers", "a list of Convolution and MaxPool", layers)
    tensors = _all_tensors(config, inputs, layers)
    if not isinstance(densities, Mapping | None):
        raise wrong_type("densities", "numbers by name of tensor", densities)
    densities = dict(densities or {})
    for name, density in densities.items():
        check("densities", name in tensors, f"of tensors ({', '.join(tensors)})", name)
        check_number(f"density of {name}", density, 0, 1)
    layers = [_decided(config, layer, tensors, densities) for layer in layers]
    kernels = {
        layer.target: kernels_by_density(config, layer, tensors[layer.source])
        for layer in layers
        if isinstance(layer, Convolution)
    }
    orders = stored_channels(config, tensors, layers, kernels)
    lines = _lines(config, layers, tensors, densities)
    memory = _Memory(config)
    size = config.bus.bytes
    list_address = memory.allot(-(-COMMAND_BYTES * (len(layers) + 1) // size))
    placed = {
        name: PlacedTensor(_place(config, memory, tensor, lines[name]), orders[name])
        for name, tensor in tensors.items()
    }
    commands = []
    for layer in layers:
        command = _shape(config, layer, tensors, lines[layer.source], lines[layer.target])
        command |= _places(placed[layer.source].layout, placed[layer.target].layout) | {"passes": command["regions"]}
        try:
            for name, count in (
                (layer.source, command["bands"] * command["tiles"]),
                (layer.target, command["regions"] * command["out_tiles"]),
            ):
                refuse_above(f"segments of {name}", count, config.segments, "segments")
            if isinstance(layer, MaxPool):
                command |= _pool(config, layer, tensors[layer.source])
            else:
                command |= _convolve(config, memory, layer, tensors, placed, command, kernels[layer.target])
            check_command(config, command)
        except ConfigError as error:
            raise _of_layer(layer, error) from None
        commands.append(complete(config, command))
    commands[-1]["interrupt"] = 1
    image = memory.image()
    listed = np.concatenate([assemble(config, command) for command in commands])
    image[list_address * size :][: len(listed)] = listed
    return Program(config, image, list_address, commands, placed)


def check_layers(config: SnapChipConfig, inputs: Mapping[str, Tensor], layers: Sequence[Layer]) -> None:
    """Refuse layers that have no room, whatever the values of their tensors are, without compiling them.

    Raises
    ------
    ConfigError
        As of `compile_layers`, but for the room in banks, which sparse tensors need less of.
    """
    tensors = _all_tensors(config, inputs, layers)
    try:
        _lines(config, [_decided(config, layer, tensors, {}) for layer in layers], tensors, {})
    except ConfigError as error:
        if error.field != "bank_rows":
            raise


def _lines(
    config: SnapChipConfig, layers: Sequence[Layer], tensors: Mapping[str, Tensor], densities: Mapping[str, float]
) -> dict[str, int]:
    """Lines of the bands in which tensors are stored, by name."""

    def refuse(layer: Layer, band_lines: int, region_lines: int) -> None:
        command = _shape(config, layer, tensors, band_lines, region_lines)
        _refuse_region(config, command, densities.get(layer.source, 1.0))

    def overlaps(layer: Layer, band_lines: int, region_lines: int) -> bool:
        command = _shape(config, layer, tensors, band_lines, region_lines)
        return _loads_ahead(config, command, densities.get(layer.source, 1.0))

    stored = {layer.target: int((layer.weights != 0).sum()) for layer in layers if isinstance(layer, Convolution)}

    def affords(layer: Layer, regions: int) -> bool:
        if layer.target not in stored:
            return True
        target, density = tensors[layer.target], densities.get(layer.source, 1.0)
        return _weights_keep_up(config, stored[layer.target], target.height * target.width, density, regions)

    return choose_lines(
        config, tensors, layers, Limits(refuse, overlaps, affords), line_entries(config, tensors, layers)
    )


def _decided(
    config: SnapChipConfig, layer: Layer, tensors: Mapping[str, Tensor], densities: Mapping[str, float]
) -> Layer:
    """A layer of which it is decided whether it is diagonal."""
    if isinstance(layer, MaxPool):
        return layer
    try:
        return choose_way(config, layer, tensors[layer.source], densities.get(layer.source))
    except ConfigError as error:
        raise _of_layer(layer, error) from None


def _of_layer(layer: Layer, error: ConfigError) -> ConfigError:
    return type(error)(f"layer {layer.target}: {error}", error.hint, field=error.field, value=error.value)


def _all_tensors(config: SnapChipConfig, inputs: Mapping[str, Tensor], layers: Sequence[Layer]) -> dict[str, Tensor]:
    check("layers", len(layers) > 0, "at least one", len(layers))
    tensors = dict(inputs)
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise wrong_type("inputs", "tensors by name", {name: tensor})
        check_tensor(config, name, tensor)
    for layer in layers:
        if not isinstance(layer, Layer):
            raise wrong_type("layers", "Convolution or MaxPool", layer)
        check("source", layer.source in tensors, "an input or the target of an earlier layer", layer.source)
        check("target", layer.target not in tensors, "a name that no other tensor has", layer.target)
        source = tensors[layer.source]
        try:
            target = layer.output(source)
            check_geometry(config, layer.geometry(source), source)
        except ConfigError as error:
            raise _of_layer(layer, error) from None
        if isinstance(layer, Convolution) and layer.residual:
            name = layer.residual.tensor
            check("residual", name in tensors, "an input or the target of an earlier layer", name)
            shape, signed = tensors[name].shape, tensors[name].signed
            check("residual", shape == target.shape, f"of shape {target.shape}, as {layer.target}", shape)
            check("residual", signed == target.signed, f"of the type of {layer.target}", name)
        tensors[layer.target] = target
    return tensors


def _place(config: SnapChipConfig, memory: _Memory, tensor: Tensor, band_lines: int) -> TensorLayout:
    channels = -(-tensor.channels // config.tile_channels) * config.tile_channels
    layout = TensorLayout(
        height=tensor.height, width=tensor.width, channels=channels, band_lines=band_lines, address=0, table=0,
        pitch=1, zero=tensor.zero, signed=tensor.signed,
    )  # fmt: skip
    pitch = layout.dense_pitch(config)
    address = memory.allot(layout.segments(config) * pitch)
    table = memory.allot(layout.table_beats(config))
    return dataclasses.replace(layout, pitch=pitch, address=address, table=table)


def _shape(
    config: SnapChipConfig, layer: Layer, tensors: Mapping[str, Tensor], band_lines: int, region_lines: int
) -> Command:
    """Fields about the sizes of a layer."""
    source, target, rows = tensors[layer.source], tensors[layer.target], config.banks
    geometry: ConvolutionGeometry = layer.geometry(source)
    tiles, out_tiles = (-(-tensor.channels // config.tile_channels) for tensor in (source, target))
    top, _, left, _ = geometry.padding
    line = -(-source.width // rows) * tiles
    diagonal = isinstance(layer, Convolution) and layer.diagonal
    columns = diagonal_columns(config, geometry).fields(config) if diagonal else {}
    return {
        "signed_inputs": int(source.signed), "height": source.height, "width": source.width,
        "width_groups": -(-source.width // rows), "width_quotient": source.width // rows,
        "width_rest": source.width % rows, "band_lines": band_lines, "bands": -(-source.height // band_lines),
        "tiles": tiles, "directory_line": line, "directory_band": line * band_lines, "out_lines": target.height,
        "region_lines": region_lines, "regions": -(-target.height // region_lines),
        "column_groups": -(-target.width // rows), "columns_quotient": target.width // rows,
        "columns_rest": target.width % rows, "out_columns": target.width, "out_tiles": out_tiles,
        "kernel_lines": geometry.kernel[0], "kernel_columns": geometry.kernel[1],
        "stride_lines": geometry.stride[0], "stride_columns": geometry.stride[1],
        "dilation_lines": geometry.dilation[0], "dilation_quotient": geometry.dilation[1] // rows,
        "dilation_rest": geometry.dilation[1] % rows, "padding_lines": top, "padding_quotient": -left // rows,
        "padding_rest": -left % rows, "in_zero": source.zero, "out_zero": target.zero,
    } | columns  # fmt: skip


def _refuse_region(config: SnapChipConfig, command: Command, density: float) -> None:
    """Refuse a region whose input is more than banks and directory have room for, and bands that are never free."""
    check_bands(command)
    count = most_bands(command)
    refuse_above("bands of a region", count, config.resident_bands, "resident_bands")
    entries = count * command["directory_band"]
    refuse_above("entries of a region in a bank's directory", entries, config.directory_entries, "directory_entries")
    words = int(np.ceil(bank_need(config, command) * _share(config, density)))
    refuse_above("words of a region in a bank", words, config.bank_words, "bank_rows")


def _share(config: SnapChipConfig, density: float) -> float:
    """Words of a tile of that density on average, as a share of the words of a dense one."""
    stored = config.bitmap_bytes + density * config.tile_channels + WORD_BYTES / 2  # half a word is lost
    return 1.0 if density == 1 else min(1.0, stored / (WORD_BYTES * config.tile_words))


def _loads_ahead(config: SnapChipConfig, command: Command, density: float) -> bool:
    """Whether banks and directory have room for the next band beside what a region needs.

    Kernels of several lines need not care: work on a region takes long beside loading.
    """
    if command["kernel_lines"] > 1 or command["bands"] == 1:
        return True
    entries = command["directory_band"]
    words = (bank_need(config, command) + entries * config.tile_words) * _share(config, density)
    return (most_bands(command) + 1) * entries <= config.directory_entries and words <= config.bank_words


def _weights_keep_up(config: SnapChipConfig, stored: int, pixels: int, density: float, regions: int) -> bool:
    """Whether the weights of so many regions come in less time than is worked with them, if they don't stay."""
    bytes_ = stored * WEIGHT_BYTES
    if bytes_ <= config.rings * config.weight_rows * config.bus.bytes:
        return True
    return bytes_ * regions / config.bus.bytes <= WEIGHT_SHARE * stored * pixels * density / config.multipliers


def _places(source: TensorLayout, target: TensorLayout) -> Command:
    return {
        "in_address": source.address, "in_pitch": source.pitch, "in_table": source.table,
        "out_address": target.address, "out_pitch": target.pitch, "out_table": target.table,
    }  # fmt: skip


def _pool(config: SnapChipConfig, layer: MaxPool, source: Tensor) -> Command:
    low, high = source.limits
    tiles = -(-source.channels // config.tile_channels)
    return {
        "operation": OPERATIONS["pool"], "block_lines": 1, "kernels": config.core_kernels, "rounds": tiles,
        "group_rounds": 1, "group_tiles": 1, "rest_steps": 1, "rest_tiles": 1, "sum_low": low, "sum_high": high,
        "weight_groups": math.prod(layer.geometry(source).kernel),
    }  # fmt: skip


def _convolve(
    config: SnapChipConfig,
    memory: _Memory,
    layer: Convolution,
    tensors: Mapping[str, Tensor],
    placed: Mapping[str, PlacedTensor],
    shape: Command,
    kernels: int,
) -> Command:
    """Fields of a convolution's work; its weights and scales are put into memory."""
    source, target = placed[layer.source], placed[layer.target]
    geometry = layer.geometry(tensors[layer.source])
    channels = Channels.of(config, geometry.channels, geometry.kernels, geometry.groups)
    if layer.diagonal:
        channels = channels.one_by_one()
    stored = stored_weights(config, layer, geometry, channels, source.order, target.order)
    pixels = shape["region_lines"] * shape["column_groups"]
    while True:  # rounds of fewer kernels until they fit the weight buffers
        lines = block_lines(config, kernels, pixels)
        images = ring_images(config, stored, channels, kernels, bool(layer.diagonal))
        beats = [of_rounds for _, of_rounds in images]
        try:
            check_rounds(config, shape | {"block_lines": lines}, beats)
        except ConfigError:
            if kernels == 1:
                raise
            kernels //= 2
        else:
            break
    parts = config.core_kernels // kernels
    resident = shape["regions"] > 1 and all(int(of_rounds.sum()) <= config.weight_rows for of_rounds in beats)
    there = target.order >= 0
    bias, factors = np.zeros(len(there), np.int32), np.ones(len(there), np.float32)
    bias[there], factors[there] = layer.bias[target.order[there]], layer.float32_factors[target.order[there]]
    scales = encode_scales(config, kernels, bias, factors)
    command = {
        "operation": OPERATIONS["convolve"], "block_lines": lines, "kernels": kernels, "resident": int(resident),
        "rotate": int(not layer.diagonal), "rounds": shape["out_tiles"] * parts,
        "group_rounds": channels.out_tiles * parts,
        "weight_groups": channels.steps * shape["kernel_lines"] * shape["kernel_columns"], "sum_zero": layer.zero,
        "sum_low": layer.limits[0], "sum_high": layer.limits[1], "scale_address": memory.put(scales),
        "scale_beats": len(scales) // config.bus.bytes, "passes": 1 if resident else shape["regions"],
    } | channels.fields(config)  # fmt: skip
    for ring, (data, _) in enumerate(images):
        command |= {f"weight_address_{ring}": memory.put(data), f"weight_beats_{ring}": len(data) // config.bus.bytes}
    if layer.residual:
        command |= _residual(layer, placed)
    return command


def _residual(layer: Convolution, placed: Mapping[str, PlacedTensor]) -> Command:
    residual = layer.residual
    assert residual is not None
    low, high = layer.residual_limits
    layout = placed[residual.tensor].layout
    return {
        "residual": 1, "signed_residual": int(layout.signed), "residual_low": low,
        "residual_high": high, "residual_zero": layout.zero, "sum_factor": float_bits(residual.sum_factor),
        "residual_factor": float_bits(residual.factor), "residual_offset": float_bits(residual.offset),
        "residual_address": layout.address, "residual_table": layout.table,
    }  # fmt: skip
