"""Commands of the matrix unit as a numpy structured array."""

import numpy as np

__all__ = ["MATRIX_COMMAND", "command_fields"]

MATRIX_COMMAND = np.dtype(
    [
        ("rows", np.uint32),
        ("address", np.uint32),
        ("accumulate", np.uint8),
        ("drain", np.uint8),
        ("swap", np.uint8),
        ("activations_signed", np.uint8),
        ("weights_signed", np.uint8),
        ("shift", np.uint8),
    ]
)
"""One command: the fields of the stream ``i_commands``, in its order.

rows
    Activation rows that the command consumes, 1 to `accumulator_rows`.
address
    Accumulator row of the first of them; the following rows count on, modulo `accumulator_rows`.
accumulate
    1 adds to the accumulators, 0 overwrites them.
drain
    1 sends the accumulator rows of this command out after the last has landed.
swap
    1 uses the next weight tile from the first row on, 0 keeps the current one.
activations_signed
    1 if the bytes of activations are signed.
weights_signed
    1 if the bytes of the tile that `swap` brings are signed; ignored without `swap`.
shift
    Bytes (0 to 3) by which the sums are shifted left before they reach the accumulators.
"""


def command_fields(commands: np.ndarray) -> list[dict[str, int]]:
    """Give the fields of each command by name, as the payloads of ``i_commands``."""
    names = commands.dtype.names or ()
    return [dict(zip(names, command.tolist(), strict=True)) for command in commands]
