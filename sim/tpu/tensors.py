"""Where tensors lie: their layout, which host memory and unified buffer share, and their places in the buffer."""

import dataclasses
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ...hw.errors import ConfigError
from ...hw.tpu.config import GRANULE_BYTES, TpuConfig

__all__ = ["Buffer", "Layout", "Slice", "allocate"]


@dataclasses.dataclass(frozen=True)
class Slice:
    """Some columns of a tensor, at most as many as a row of the unified buffer has bytes.

    Parameters
    ----------
    columns
        How many.
    offset
        Granules from the tensor's begin; a whole number of buffer rows.
    pitch
        Granules from row to row.
    plane
        Granules from one byte plane to the next.
    granules
        Of all planes.
    """

    columns: int
    offset: int
    pitch: int
    plane: int
    granules: int


@dataclasses.dataclass(frozen=True)
class Layout:
    """Layout of a tensor in host memory and in the unified buffer: slice after slice, each in byte planes.

    Parameters
    ----------
    config
        The TPU.
    rows, columns
        Its sizes.
    dtype
        Its elements, whose bytes lie in planes, the lowest first.
    widths
        Columns of each slice; if there are none, as many as a buffer row has bytes, and the rest.
    """

    config: TpuConfig
    rows: int
    columns: int
    dtype: np.dtype
    widths: tuple[int, ...] = ()

    @cached_property
    def slices(self) -> list[Slice]:
        """All of them."""
        most = self.config.row_bytes
        cut = [min(self.columns - start, most) for start in range(0, self.columns, most)]
        slices, offset = [], 0
        for columns in self.widths or cut:
            pitch = -(-columns // GRANULE_BYTES)
            plane = self.rows * pitch
            slices.append(Slice(columns, offset, pitch, plane, self.planes * plane))
            offset += -(-slices[-1].granules // self.config.row_granules) * self.config.row_granules
        return slices

    @property
    def planes(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    @property
    def granules(self) -> int:
        """From its first byte to its last."""
        return self.slices[-1].offset + self.slices[-1].granules

    @property
    def buffer_rows(self) -> int:
        """Rows of the unified buffer that it takes."""
        return -(-self.granules // self.config.row_granules)

    @property
    def size(self) -> int:
        """Bytes of its rows in the unified buffer, and so from one batch to the next in host memory."""
        return self.buffer_rows * self.config.row_bytes

    def pack(self, tensor: np.ndarray) -> np.ndarray:
        """Bytes of a tensor, uint8; those that it has none for are 0."""
        image, start = np.zeros(self.size, np.uint8), 0
        for part in self.slices:
            columns = np.ascontiguousarray(tensor[:, start : start + part.columns], self.dtype.newbyteorder("<"))
            self._elements(image, part)[:] = columns.view(np.uint8).reshape(*columns.shape, self.planes)
            start += part.columns
        return image

    def unpack(self, image: np.ndarray) -> np.ndarray:
        """The tensor that lies in bytes (uint8)."""
        elements = np.concatenate([self._elements(image, part) for part in self.slices], axis=1)
        return np.ascontiguousarray(elements).view(self.dtype.newbyteorder("<"))[:, :, 0].astype(self.dtype)

    def _elements(self, image: np.ndarray, part: Slice) -> np.ndarray:
        """Rows x columns x bytes of a slice, a view."""
        start = part.offset * GRANULE_BYTES
        whole = image[start : start + part.granules * GRANULE_BYTES]
        planes = whole.reshape(self.planes, self.rows, part.pitch * GRANULE_BYTES)
        return planes[:, :, : part.columns].transpose(1, 2, 0)


@dataclasses.dataclass(frozen=True)
class Buffer:
    """A tensor that wants a place in the unified buffer.

    Parameters
    ----------
    name
        What errors call it.
    rows
        Rows of the buffer.
    first, last
        When it is in use, in steps; both ends count.
    """

    name: str
    rows: int
    first: int
    last: int


def allocate(config: TpuConfig, buffers: Sequence[Buffer]) -> list[int]:
    """First row of each buffer: the first gap between those that are in use at the same time.

    Buffers come in the order in which they begin to be used.

    Raises
    ------
    ConfigError
        If one doesn't fit: which, and by how much.
    """
    places: list[int] = []
    used: list[tuple[int, int, int]] = []
    for buffer in buffers:
        used = [other for other in used if other[2] >= buffer.first]
        row = 0
        for start, end, _ in sorted(used):
            if start - row >= buffer.rows:
                break
            row = end  # all these are in use in the buffer's first step, so they don't overlap
        if row + buffer.rows > config.ub_rows:
            needed, most = row + buffer.rows, config.ub_rows
            raise ConfigError(
                f"ub_rows must be at least {needed:,} for {buffer.name}, which takes {buffer.rows:,} rows "
                f"({buffer.rows * config.row_bytes:,} bytes), and what is in use beside it, not {most:,}",
                f"the unified buffer lacks {needed - most:,} rows ({(needed - most) * config.row_bytes:,} bytes); "
                "fewer rows of input take less",
                field="ub_rows", value=most,
            )  # fmt: skip
        places.append(row)
        used.append((row, row + buffer.rows, buffer.last))
    return places
