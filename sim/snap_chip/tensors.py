"""Tensors as they lie in the chip's memory: stored tiles of bitmap and values, in segments, with a table of lengths."""

import dataclasses

import numpy as np

from ...hw.config import check, check_bool, check_int
from ...hw.snap_chip.config import WORD_BYTES, SnapChipConfig
from ..formats.runs import FormatError
from .records import Records, pack, refuse_difference, unpack

__all__ = ["TensorLayout", "decode_tensor", "encode_segments", "encode_tensor", "tile_words"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TensorLayout:
    """Shape of a tensor and where it lies.

    Parameters
    ----------
    height, width, channels
        Lines, columns, channels.
    band_lines
        Lines of a segment.
    address, table
        Beats at which segments and lengths begin.
    pitch
        Beats from a segment to the next.
    zero
        Zero point; values equal to it are not stored.
    signed
        Whether values are int8, not uint8.
    """

    height: int
    width: int
    channels: int
    band_lines: int
    address: int
    table: int
    pitch: int
    zero: int = 0
    signed: bool = False

    def __post_init__(self) -> None:
        for field in ("height", "width", "channels", "band_lines", "pitch"):
            check_int(field, getattr(self, field), 1)
        check_int("address", self.address, 0)
        check_int("table", self.table, 0)
        check_bool("signed", self.signed)
        check_int("zero", self.zero, *((-128, 127) if self.signed else (0, 255)))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lines, columns, channels."""
        return self.height, self.width, self.channels

    @property
    def dtype(self) -> np.dtype:
        """int8 or uint8."""
        return np.dtype(np.int8 if self.signed else np.uint8)

    @property
    def bands(self) -> int:
        """Bands of lines."""
        return -(-self.height // self.band_lines)

    def band_heights(self) -> np.ndarray:
        """Lines of each band."""
        return np.minimum(self.band_lines, self.height - self.band_lines * np.arange(self.bands))

    def tiles(self, config: SnapChipConfig) -> int:
        """Stored tiles of a pixel."""
        return -(-self.channels // config.tile_channels)

    def segments(self, config: SnapChipConfig) -> int:
        """Segments of the tensor."""
        return self.bands * self.tiles(config)

    def segment_tiles(self, config: SnapChipConfig) -> np.ndarray:
        """Stored tiles of each segment."""
        return np.repeat(self.band_heights() * self.width, self.tiles(config))

    def dense_pitch(self, config: SnapChipConfig) -> int:
        """Beats of a segment without any value left out."""
        return -(-self.band_lines * self.width * config.tile_words // config.beat_words)

    def table_beats(self, config: SnapChipConfig) -> int:
        """Beats of the table of lengths."""
        return -(-4 * self.segments(config) // config.bus.bytes)

    def end(self, config: SnapChipConfig) -> int:
        """Beat after the last segment's place."""
        return self.address + self.segments(config) * self.pitch


def _check_values(layout: TensorLayout, values: np.ndarray) -> np.ndarray:
    check("values", values.shape == layout.shape, f"of shape {layout.shape}", values.shape)
    limits = np.iinfo(layout.dtype)
    for extreme in (int(values.min()), int(values.max())):
        check("values", limits.min <= extreme <= limits.max, f"from {limits.min} to {limits.max}", extreme)
    return values.astype(layout.dtype).view(np.uint8)


def _stored_tiles(config: SnapChipConfig, layout: TensorLayout, raw: np.ndarray) -> np.ndarray:
    """Bytes ``[stored tiles, channels]`` of all segments in their order."""
    tiles, width = layout.tiles(config), config.tile_channels
    padded = np.full((layout.height, layout.width, tiles * width), layout.zero & 255, np.uint8)
    padded[..., : layout.channels] = raw
    split = padded.reshape(layout.height, layout.width, tiles, width)
    bands = np.split(split, np.arange(1, layout.bands) * layout.band_lines)
    return np.concatenate([band.transpose(2, 0, 1, 3).reshape(-1, width) for band in bands])


def tile_words(config: SnapChipConfig, layout: TensorLayout, values: np.ndarray) -> np.ndarray:
    """Words of each stored tile, ``[lines, columns, tiles]``."""
    tiles, width = layout.tiles(config), config.tile_channels
    kept = np.zeros((layout.height, layout.width, tiles * width), bool)
    kept[..., : layout.channels] = values != layout.zero
    counts = kept.reshape(layout.height, layout.width, tiles, width).sum(3)
    return -(-(config.bitmap_bytes + counts) // WORD_BYTES)


def encode_segments(config: SnapChipConfig, layout: TensorLayout, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of all segments, one after the other, and the beats of each.

    Raises
    ------
    ConfigError
        If `values` have another shape, or don't fit the layout's type.
    """
    raw = _stored_tiles(config, layout, _check_values(layout, values))
    kept = raw != (layout.zero & 255)
    records = Records(np.packbits(kept, axis=1, bitorder="little"), kept.sum(1), raw[kept])
    return pack(config, records, layout.segment_tiles(config))


def encode_tensor(config: SnapChipConfig, layout: TensorLayout, values: np.ndarray, memory: np.ndarray) -> None:
    """Write segments and table of `values` ``[lines, columns, channels]`` into the bytes of `memory`.

    Raises
    ------
    ConfigError
        If `values` have another shape or don't fit the layout's type, or a segment is longer than the pitch, or lies
        outside of the memory.
    """
    data, beats = encode_segments(config, layout, values)
    longest = int(beats.max())
    check("pitch", longest <= layout.pitch, f"at least {longest}, the beats of the longest segment", layout.pitch)
    size, end = config.bus.bytes, max(layout.end(config), layout.table + layout.table_beats(config))
    check("memory", end * size <= len(memory), f"of at least {end * size} bytes", len(memory))
    at = 0
    for segment, length in enumerate((beats * size).tolist()):
        begin = (layout.address + segment * layout.pitch) * size
        memory[begin : begin + length] = data[at : at + length]
        at += length
    table = memory[layout.table * size : (layout.table + layout.table_beats(config)) * size]
    table[:] = 0
    table[: 4 * len(beats)] = beats.astype("<u4").view(np.uint8)


def _segment(config: SnapChipConfig, layout: TensorLayout, memory: np.ndarray, number: int, beats: int) -> np.ndarray:
    size = config.bus.bytes
    begin = (layout.address + number * layout.pitch) * size
    data = memory[begin : begin + beats * size]
    if beats > layout.pitch or len(data) < beats * size:
        most = min(layout.pitch, (len(memory) - begin) // size)
        raise FormatError(f"lengths[{number}] must be at most {most}, not {beats}")
    return data


def _starts(config: SnapChipConfig, data: np.ndarray, tiles: int, name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Byte at which each stored tile of a segment begins, its values, and the word after the last."""
    words = data.reshape(-1, WORD_BYTES)[:, : config.bitmap_bytes]
    counts = np.bitwise_count(words).sum(1, dtype=np.int64)
    steps = (-(-(config.bitmap_bytes + counts) // WORD_BYTES)).tolist()
    at, starts = 0, []
    for tile in range(tiles):
        if at >= len(steps) or at + steps[at] > len(steps):
            raise FormatError(f"{name}: tile {tile} of {tiles}, at byte {at * WORD_BYTES}, must end within the segment")
        starts.append(at)
        at += steps[at]
    places = np.array(starts)
    return places * WORD_BYTES, counts[places], at


def decode_tensor(config: SnapChipConfig, layout: TensorLayout, memory: np.ndarray) -> np.ndarray:
    """Read a tensor ``[lines, columns, channels]`` from the bytes of `memory`.

    Raises
    ------
    FormatError
        With segment and byte, for whatever `encode_tensor` wouldn't have written: lengths beyond the pitch or other
        than their segments', tiles that are cut off, stored zeros and padding channels, padding that isn't 0.
    """
    size, tiles = config.bus.bytes, layout.tiles(config)
    table = memory[layout.table * size :][: 4 * layout.segments(config)]
    if len(table) < 4 * layout.segments(config):
        raise FormatError(f"lengths must be {layout.segments(config)}, not {len(table) // 4}")
    raw = np.full((layout.height, layout.width, tiles * config.tile_channels), layout.zero & 255, np.uint8)
    segments = []
    heights = layout.band_heights().tolist()
    for number, beats in enumerate(np.ascontiguousarray(table).view("<u4").tolist()):
        band, tile = divmod(number, tiles)
        name = f"segment {number} (band {band}, tile {tile})"
        data = _segment(config, layout, memory, number, beats)
        starts, counts, words = _starts(config, data, heights[band] * layout.width, name)
        if -(-words // config.beat_words) != beats:
            raise FormatError(f"lengths[{number}] must be {-(-words // config.beat_words)}, not {beats}")
        records = unpack(data, starts, counts, config.bitmap_bytes)
        pixels = np.full((len(starts), config.tile_channels), layout.zero & 255, np.uint8)
        pixels[np.unpackbits(records.heads, axis=1, bitorder="little").astype(bool)] = records.values
        line, channel = band * layout.band_lines, tile * config.tile_channels
        raw[line : line + heights[band], :, channel : channel + config.tile_channels] = pixels.reshape(
            heights[band], layout.width, -1
        )
        segments.append((name, data))
    values = raw[..., : layout.channels].view(layout.dtype)
    expected, beats = encode_segments(config, layout, values)
    edges = np.cumsum(beats * size)[:-1]
    for (name, data), again in zip(segments, np.split(expected, edges), strict=True):
        refuse_difference(name, again, data)
    return values
