"""Commands of the SNAP chip: one table from which hardware, assembler, checker and documentation are made.

A command is 64 words of 32 bits, little endian, aligned to its size. A list of commands ends with ``stop``.
"""

import dataclasses

from .config import SnapChipConfig

__all__ = [
    "COMMAND_BYTES",
    "COMMAND_WORDS",
    "FIELDS",
    "OPTIONAL_FIELDS",
    "OPERATIONS",
    "RING_FIELDS",
    "RING_WORD",
    "Field",
    "fields_of",
]

COMMAND_WORDS = 64
COMMAND_BYTES = 4 * COMMAND_WORDS

OPERATIONS = {"stop": 0, "convolve": 1, "pool": 2}
"""Ends the list; a convolution (or matrix product) layer; maximum pooling."""

RING_WORD = 32
"""First of the words about the weight buffers; two each, see `RING_FIELDS`."""


@dataclasses.dataclass(frozen=True)
class Field:
    """Some bits of a command.

    Parameters
    ----------
    name, text
        What it is called, and what it says.
    word, low, bits
        Where it lies: word, lowest bit in it, width.
    signed
        Whether it is a number in two's complement.
    least, most
        Range of a legal value, as far as the field alone says.
    """

    name: str
    word: int
    low: int
    bits: int
    text: str
    signed: bool = False
    least: int | None = None
    most: int | None = None

    @property
    def lowest(self) -> int:
        """The least value that is legal."""
        return self.least if self.least is not None else -(1 << self.bits - 1) if self.signed else 0

    @property
    def highest(self) -> int:
        """The greatest value that is legal."""
        return self.most if self.most is not None else (1 << self.bits - self.signed) - 1


def _byte(name: str, word: int, low: int, text: str) -> Field:
    """A value of a tensor, int8 or uint8."""
    return Field(name, word, low, 9, text, signed=True, least=-128, most=255)


FIELDS: tuple[Field, ...] = (
    Field("operation", 0, 0, 2, ", ".join(f"{n}: {name}" for name, n in OPERATIONS.items()), most=2),
    Field("interrupt", 0, 8, 1, "raise the interrupt when the layer is complete"),
    Field("residual", 0, 9, 1, "add a residual tensor to the outputs"),
    Field("resident", 0, 10, 1, "the weights of the whole layer stay in their buffers and are read from memory once"),
    Field("rotate", 0, 11, 1, "row i computes column (i + x) mod rows of line x of a region, not column i"),
    Field("signed_inputs", 0, 12, 1, "input activations are int8, not uint8"),
    Field("signed_residual", 0, 13, 1, "values of the residual are int8, not uint8"),
    Field("height", 1, 0, 12, "lines of the input", least=1),
    Field("width", 1, 16, 12, "columns of the input", least=1),
    Field("width_groups", 2, 0, 10, "ceil(width / rows)", least=1),
    Field("width_quotient", 2, 10, 10, "width // rows"),
    Field("width_rest", 2, 20, 6, "width % rows"),
    Field("band_lines", 3, 0, 8, "lines of a band of the input", least=1),
    Field("bands", 3, 8, 12, "bands of the input", least=1),
    Field("tiles", 3, 20, 12, "stored tiles of an input pixel", least=1),
    Field("directory_line", 4, 0, 16, "width_groups * tiles: entries of a bank's directory for a line", least=1),
    Field("out_lines", 4, 16, 12, "lines of the output", least=1),
    Field("region_lines", 5, 0, 8, "lines of a region of the output, and of its bands", least=1),
    Field("regions", 5, 8, 12, "ceil(out_lines / region_lines)", least=1),
    Field("column_groups", 5, 20, 10, "ceil(out_columns / rows)", least=1),
    Field("columns_quotient", 6, 0, 10, "out_columns // rows"),
    Field("columns_rest", 6, 10, 6, "out_columns % rows"),
    Field("out_columns", 6, 16, 12, "columns of the output", least=1),
    Field("out_tiles", 7, 0, 12, "stored tiles of an output pixel", least=1),
    Field("block_lines", 7, 12, 7, "pixels that each row has in a block at most", least=1, most=64),
    Field("kernels", 7, 20, 4, "kernels of a core in a round", least=1, most=8),
    Field("rounds", 8, 0, 14, "rounds of kernels", least=1),
    Field("group_rounds", 8, 16, 14, "rounds that read the same channels", least=1),
    Field("group_tiles", 9, 0, 12, "stored tiles that a round reads", least=1),
    Field("kernel_lines", 9, 12, 5, "R", least=1),
    Field("kernel_columns", 9, 17, 5, "S", least=1),
    Field("stride_lines", 9, 22, 3, "", least=1),
    Field("stride_columns", 9, 25, 3, "", least=1),
    Field("dilation_lines", 10, 0, 5, "", least=1),
    Field("dilation_quotient", 10, 5, 4, "dilation of columns // rows"),
    Field("dilation_rest", 10, 9, 6, "dilation of columns % rows"),
    Field("padding_lines", 10, 15, 5, "lines of padding at the top"),
    Field("padding_quotient", 10, 20, 5, "floor(-padding at the left / rows)", signed=True),
    Field("padding_rest", 10, 25, 6, "(-padding at the left) mod rows"),
    Field("full_steps", 11, 0, 10, "steps over channels that take a whole stored tile for each core column"),
    Field("rest_steps", 11, 10, 2, "steps after them that take fewer, cut into nearly equal parts", most=2),
    Field("rest_tiles", 11, 12, 4, "stored tiles of each of these"),
    *(
        Field(f"cut_{n}", 12 + (n - 1) // 4, 8 * ((n - 1) % 4), 8, f"first channel of such a step for core column {n}")
        for n in range(1, 8)
    ),
    Field("weight_groups", 14, 0, 20, "groups of weights of a round: steps * kernel_lines * kernel_columns", least=1),
    _byte("in_zero", 15, 0, "zero point of the input; values equal to it are not stored"),
    _byte("out_zero", 15, 16, "zero point of the output; values equal to it are not stored"),
    _byte("sum_zero", 16, 0, "zero point of the requantized sums"),
    _byte("sum_low", 16, 16, "least requantized sum"),
    _byte("sum_high", 17, 0, "greatest requantized sum"),
    _byte("residual_low", 17, 16, "least output after a residual was added"),
    _byte("residual_high", 18, 0, "greatest output after a residual was added"),
    _byte("residual_zero", 18, 16, "zero point of the residual; values equal to it are not stored"),
    Field("sum_factor", 19, 0, 32, "float32: factor of the requantized sums where a residual is added"),
    Field("residual_factor", 20, 0, 32, "float32: factor of the residual"),
    Field("residual_offset", 21, 0, 32, "float32: added to both"),
    Field("in_address", 22, 0, 32, "input tensor, in beats"),
    Field("in_pitch", 23, 0, 16, "beats from a segment of the input to the next", least=1),
    Field("out_pitch", 23, 16, 16, "beats from a segment of output and residual to the next", least=1),
    Field("in_table", 24, 0, 32, "lengths of the input's segments, in beats"),
    Field("out_address", 25, 0, 32, "output tensor, in beats"),
    Field("out_table", 26, 0, 32, "lengths of the output's segments, in beats"),
    Field("residual_address", 27, 0, 32, "residual tensor, in beats"),
    Field("residual_table", 28, 0, 32, "lengths of the residual's segments, in beats"),
    Field("scale_address", 29, 0, 32, "biases and factors of the kernels, in beats"),
    Field("scale_beats", 30, 0, 16, "beats of these"),
    Field("directory_band", 31, 0, 16, "band_lines * directory_line: entries for a band", least=1),
    Field("passes", 30, 16, 12, "times that weights are read: 1 if resident, else once a region", least=1),
)
"""Fields of a command; bits that belong to none are 0."""

OPTIONAL_FIELDS: tuple[Field, ...] = (
    Field(
        "diagonal", 0, 14, 1,
        "diagonal mode, if there is a `global_accumulator`: all columns of a core get the same activations, and each "
        "another column of the kernel",
    ),
    Field("first_port", 13, 24, 4, "in diagonal mode, port of a core that has the first column of the output"),
)  # fmt: skip
"""Those that there are only with a global accumulator; without, their bits are 0."""

RING_FIELDS: tuple[Field, ...] = (
    Field("weight_address", 0, 0, 32, "weights of a core's column, in beats"),
    Field("weight_beats", 1, 0, 32, "beats of these"),
)
"""Fields of the two words about weight buffer n (core * columns + column), at word `RING_WORD` + 2 n."""


def fields_of(config: SnapChipConfig) -> tuple[Field, ...]:
    """Fields of a chip's commands."""
    return FIELDS + OPTIONAL_FIELDS if config.global_accumulator else FIELDS
