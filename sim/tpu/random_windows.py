"""Random instructions ``convolve``, ``pool`` and ``vector`` of the TPU, and values of the registers that they use."""

import dataclasses

import numpy as np

from ...hw.errors import ConfigError
from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.isa import FLOATS, GEOMETRY, OPERATIONS, REGISTERS, SET_REGISTERS
from ..golden.geometry import ConvolutionGeometry
from .field_rules import RANGES, TABLE, TABLE_BYTES, table_rows
from .geometry import geometry
from .rules import Rules
from .windows import MODULUS

__all__ = ["Chance", "Part", "WindowAuthor"]

AREA_ROWS = 32
"""Rows of the unified buffer that a program works on; more if a table wouldn't leave room for anything else."""

MOST_ROWS = 12
"""Rows of a product or pool, mostly."""

MOST_TAPS = 1000
"""Of a pool, which takes a cycle or two for each: nothing moves on the buses meanwhile."""

EXTREMES = np.array([0, -0.0, 0.5, -1, 2.0**-126, -(2.0**-126), 2.0**31 - 128, -(2.0**31) + 128], np.float32)
"""Values of registers of float32 that are special."""

Part = tuple[str, dict[str, int]]
"""An instruction's name and fields."""


@dataclasses.dataclass
class Shape:
    """Windows that make sense with the registers as they are.

    Parameters
    ----------
    start
        ``ub``, ``x`` and ``y``.
    plane, extent
        First granule of the input, and how many there are.
    rows, kernel, width
        Positions, rows and columns of the kernel, and granules of a pixel.
    """

    start: dict[str, int]
    plane: int
    extent: int
    rows: int
    kernel: tuple[int, int]
    width: int


class Chance:
    """Chooses numbers and places.

    Parameters
    ----------
    config, rng
        The machine, and where chance comes from.

    Attributes
    ----------
    base, area
        First granule that the program works on, and how many there are.
    spots
        Granules where instructions before have been.
    rules
        Where the program is.
    """

    rules: Rules

    def __init__(self, config: TpuConfig, rng: np.random.Generator) -> None:
        self.config, self.rng = config, rng
        rows = min(max(AREA_ROWS, table_rows(config) + MOST_ROWS), config.ub_rows)
        last = config.ub_rows - rows
        self.area = rows * config.row_granules
        self.base = config.row_granules * (0, last, self.upto(last))[self.upto(2)]
        self.spots = [self.base]

    def upto(self, most: int) -> int:
        """A number from 0 to `most`."""
        return int(self.rng.integers(max(most, 0) + 1))

    def chance(self, share: float) -> bool:
        """True in this share of cases."""
        return bool(self.rng.random() < share)

    def place(self, extent: int) -> int:
        """First of so many granules of the area: often where an instruction before has been."""
        spot = self.spots[-1 - (0 if self.chance(0.5) else self.upto(len(self.spots) - 1))]
        if self.chance(0.7) and spot + extent <= self.base + self.area:
            return spot
        return self.base + self.upto(self.area - extent)


class WindowAuthor(Chance):
    """Proposes instructions, not always legal ones.

    Attributes
    ----------
    shape
        Where windows lie, if the registers are as they were proposed.
    """

    def __init__(self, config: TpuConfig, rng: np.random.Generator) -> None:
        super().__init__(config, rng)
        self.shape = Shape({"ub": self.base, "x": 0, "y": 0}, self.base, 1, 1, (1, 1), 1)

    def sets(self, values: dict[str, int]) -> list[Part]:
        """What gives registers these values, but for those that have them."""
        now = self.rules.registers
        return [
            ("set", {"index": SET_REGISTERS[name], "value": value})
            for name, value in values.items()
            if now[name] != value
        ]

    def geometry(self) -> list[Part]:
        """Registers that say where windows lie: of a convolution, or any."""
        return self.sets(self._images() if self.chance(0.6) else self._anywhere())

    def _images(self) -> dict[str, int]:
        """Registers of a convolution or pool whose images lie in the area."""
        while True:
            shape = tuple(1 + self.upto(most) for most in (1, 6, 6))
            pixel, kernel = 1 + self.upto(self.config.row_granules - 1), (1 + self.upto(3), 1 + self.upto(3))
            extent = shape[0] * shape[1] * shape[2] * pixel
            if extent > self.area:
                continue
            stride, dilation = (tuple(1 + self.upto(2 if self.chance(0.5) else 0) for _ in range(2)) for _ in range(2))
            padding = tuple(self.upto(2) for _ in range(4)) if self.chance(0.7) else 0
            try:
                sizes = ConvolutionGeometry.of((*shape, 4), (*kernel, 4, 1), stride, padding, dilation)
            except ConfigError:
                continue  # the kernel is larger than the image
            plane, pad = self.place(extent), self.upto(255)
            windows = geometry(self.config, sizes, shape[1], shape[2], pixel=pixel, plane=plane, pad=pad)
            self.shape = Shape(windows.start, plane, extent, sizes.product[0], kernel, pixel)
            return windows.registers

    def _anywhere(self) -> dict[str, int]:
        """Registers of any values; windows lie in the area, or partly."""
        size = self.config.row_granules
        values = {name: self._number(register.bits) for name, register in GEOMETRY.items()}
        values |= {name: max(values[name], 1) for name in ("columns", "lines")}
        if self.chance(0.8):  # most are input
            values |= {"line": 2 + self.upto(20), "height": 2 + self.upto(8)}
            values |= {"stride": self.upto(2), "dilation": self.upto(2), "line_step": self.upto(12)}
        first, last = sorted(self.base + self.upto(self.area - 1) for _ in range(2))
        values |= {"window_first": first // size, "window_last": last // size}
        ub = first + self.upto((last - first) // 2) if self.chance(0.7) else self.base + self.upto(20) - 10
        start = {"ub": ub % MODULUS, "x": self._offset(16), "y": self._offset(12)}
        kernel, extent = (1 + self.upto(3), 1 + self.upto(3)), last - first + 1
        self.shape = Shape(start, first, extent, 1 + self.upto(MOST_ROWS), kernel, 1 + self.upto(size - 1))
        return values

    def _moved(self) -> list[Part]:
        """Often, registers with which the same windows lie where an instruction before has been."""
        shape, size = self.shape, self.config.row_granules
        plane = self.place(shape.extent) if self.chance(0.5) else shape.plane
        start = {**shape.start, "ub": (shape.start["ub"] + plane - shape.plane) % MODULUS}
        self.shape = dataclasses.replace(shape, start=start, plane=plane)
        return self.sets({"window_first": plane // size, "window_last": (plane + shape.extent - 1) // size})

    def _number(self, bits: int) -> int:
        """Mostly small, sometimes just below 0 or anything."""
        number = (self.upto(3), self.upto(12), self.upto(self.area), -self.upto(6), self.upto(1 << bits))
        return number[self.rng.choice(5, p=(0.4, 0.35, 0.1, 0.1, 0.05))] & (1 << bits) - 1

    def _offset(self, bits: int) -> int:
        """A signed number, mostly small."""
        end = 1 << bits - 1
        return self.upto(6) - 2 if self.chance(0.9) else (-end, end - 1, self.upto(2 * end - 1) - end)[self.upto(2)]

    def some_register(self) -> list[Part]:
        """A register with a value that it may have; seldom one without which windows make no more sense."""
        names = [name for name in REGISTERS if name not in GEOMETRY] if self.chance(0.7) else list(REGISTERS)
        name = names[self.upto(len(names) - 1)]
        if name in FLOATS:
            return self.sets({name: self._float()})
        ends = {
            "window_first": self.config.ub_rows,
            "window_last": self.config.ub_rows,
            "plane_step": self.config.ub_granules,
            "pool_pitch": self.config.row_granules + 1,
        }
        return self.sets({name: self._number(REGISTERS[name].bits) % ends.get(name, 1 << REGISTERS[name].bits)})

    def _float(self, scale: float = 1) -> int:
        """Bits of a float32: about this large, a short fraction of it, which makes ties, or an extreme."""
        size = np.exp(self.rng.uniform(-3, 1)) * scale
        short = (1 + self.upto(15)) / 16 * scale
        number = np.float32((size, short, self.rng.choice(EXTREMES))[self.rng.choice(3, p=(0.45, 0.45, 0.1))])
        return int((-number if self.chance(0.2) else number).view(np.uint32))

    def _window(self) -> dict[str, int]:
        """``ub``, ``x``, ``y`` and ``width``: those of the geometry, or moved."""
        found = {**self.shape.start, "width": self.shape.width}
        column = self.upto(self.shape.kernel[1] - 1) if self.chance(0.5) else 0
        step = column * self.rules.registers["tap_step"]
        found |= {"ub": (found["ub"] + step) % MODULUS, "x": found["x"] + step}
        if self.chance(0.3):
            found["width"] = 1 + self.upto(self.config.row_granules - 1)
        if self.chance(0.2):
            found["ub"] = (found["ub"] + self._offset(24)) % MODULUS
            found |= {"x": found["x"] + self._offset(4), "y": found["y"] + self._offset(4)}
        return found | {name: min(max(found[name], -end), end - 1) for name, end in (("x", 1 << 15), ("y", 1 << 11))}

    def _positions(self, most: int) -> int:
        """How many windows: all that make sense, or others."""
        rows = self.shape.rows if self.chance(0.5) else 1 + self.upto(2 * MOST_ROWS)
        return max(min(rows, MOST_ROWS if self.chance(0.7) else most, most), 1)

    def convolve(self, **fields: int) -> list[Part]:
        """Products of windows; `fields` replace what chance would say."""
        registers, room = self._moved(), self.config.matrix.accumulator_rows
        values = {**self._window(), "rows": self._positions(min(room, self.area)), "swap": self.upto(2), **fields}
        values.setdefault("repeat", self.shape.kernel[0] if self.chance(0.6) else 1 + self.upto(2))
        values["acc"] = (0, min(self.upto(MOST_ROWS), room - values["rows"]), room - values["rows"])[self.upto(2)]
        flags = {name: self.upto(1) for name in ("accumulate", "a_signed", "w_signed")}
        shift = self.upto(3) if self.chance(0.3) else 0
        return [*registers, ("convolve", {"shift": shift, **flags, **values})]

    def pool(self) -> list[Part]:
        """Greatest values or averages of windows, mostly of all that the geometry has."""
        old, before, values, average = self.shape.plane, self._moved(), self._window(), self.upto(1)
        kernel = self.shape.kernel if self.chance(0.7) else (1 + self.upto(4), 1 + self.upto(4))
        kernel = kernel if self.chance(0.97) else (1 + self.upto(30), 1 + self.upto(30))
        pitch = values["width"] + (self.upto(self.config.row_granules - values["width"]) if self.chance(0.4) else 0)
        rows = min(self._positions(self.area // pitch), max(1, MOST_TAPS // (kernel[0] * kernel[1])))
        registers = {"pool_pitch": pitch}
        if average and self.chance(0.7):
            scale = 1 / (kernel[0] * kernel[1])
            registers |= {"factor_a": self._float(scale), "addend": self._float(20)}
        values |= {"average": average, "signed": self.upto(1), "rows": rows}
        values |= {"kernel_rows": kernel[0], "kernel_columns": kernel[1]}
        plane, size = self.shape.plane, self.config.row_granules
        read = range(plane // size, (plane + self.shape.extent - 1) // size + 1)
        extent = (rows - 1) * pitch + values["width"]
        first = min(old, self.base + self.area - extent) if self.chance(0.5) else self.place(extent)
        values["dst"] = self._clear(extent, [read], first)
        return [*before, *self.sets(registers), ("pool", values)]

    def vector(self) -> list[Part]:
        """Two tensors or a table, often in place."""
        operation, signed = self.upto(len(OPERATIONS) - 1), self.upto(1)
        size, table = self.config.row_granules, operation == TABLE
        rows = 1 + self.upto(min(MOST_ROWS // 2 if self.chance(0.8) else MOST_ROWS, self.area // size) - 1)
        a, b = (self.place(rows * size) // size * size for _ in range(2))
        if table:
            b = self.place(min(TABLE_BYTES // GRANULE_BYTES, self.area)) // size * size
            a = self._clear(rows * size, [range(b // size, b // size + table_rows(self.config))]) // size * size
        taken = [range(a // size, a // size + rows)]
        taken.append(range(b // size, b // size + (table_rows(self.config) if table else rows)))
        dst = (
            (a, a if table else b)[self.upto(1)] if self.chance(0.4) else self._clear(rows * size, taken) // size * size
        )
        low, high = (0, 0) if table else RANGES[1 - signed]
        lo, hi = sorted(self.rng.integers(low, high, 2, endpoint=True).tolist()) if self.chance(0.3) else (low, high)
        scale = 1 / 64 if operation == OPERATIONS.index("multiply") else 1
        registers = {"factor_a": self._float(scale), "factor_b": self._float(), "addend": self._float(20)}
        registers |= {"zero_a": self.upto(255), "zero_b": self.upto(255)}
        changed = {name: value for name, value in registers.items() if not table and self.chance(0.4)}
        values = {"operation": operation, "signed": signed, "a": a, "b": b, "dst": dst, "rows": rows}
        return [*self.sets(changed), ("vector", values | {"lo": lo, "hi": hi})]

    def _clear(self, extent: int, taken: list[range], first: int | None = None) -> int:
        """A place outside these rows, if one is found soon: `first`, or another."""
        size = self.config.row_granules
        at = self.place(extent) if first is None else first
        for _ in range(10):
            rows = range(at // size, (at + extent - 1) // size + 1)
            if all(rows.stop <= one.start or one.stop <= rows.start for one in taken):
                break
            at = self.place(extent)
        return at
