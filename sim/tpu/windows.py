"""Windows of ``convolve`` and ``pool``: which granules lie under a kernel, and what their bytes are."""

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ..golden.wrap import wrap
from .field_rules import Values

__all__ = ["ADDRESS_BITS", "MODULUS", "granules_of", "window"]

ADDRESS_BITS = 24
"""Addresses, and places in lines and images, are counted modulo so many bits."""

MODULUS = 1 << ADDRESS_BITS


def granules_of(config: TpuConfig, registers: Values, v: Values, k: int, c: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Granules of the windows of all positions under row `k` and column `c` of the kernel.

    Position i is that of an image, a line and a column, counted with the registers ``columns`` and ``lines``. Its
    window begins at granule address = ``ub + image * image_step + line * line_step + column * column_step
    + k * kernel_step``, which is granule xg = ``x + column * column_step`` of line yy = ``y + line * stride
    + k * dilation`` of the input; ``c * tap_step`` is added to the address and to xg. All three are counted modulo
    2**24, and xg and yy then read as signed. Granule j of the window is input if 0 <= yy < ``height``,
    0 <= xg + j < ``line`` (a sum without modulo), and granule address + j (modulo 2**24) lies in the rows
    ``window_first`` to ``window_last`` of the unified buffer.

    Parameters
    ----------
    config, registers, v
        The machine, registers as they were set, and fields of a legal ``convolve`` or ``pool``.

    Returns
    -------
    tuple
        Addresses, positions x ``width``, int64; and whether each is input. The others may lie outside the buffer.
    """
    r = registers
    line, column = np.divmod(np.arange(v["rows"]), r["columns"])
    image, line = np.divmod(line, r["lines"])
    across = column * r["column_step"] + c * r["tap_step"]
    down = image * r["image_step"] + line * r["line_step"] + k * r["kernel_step"]
    j = np.arange(v["width"])
    address = ((v["ub"] + down + across)[:, None] + j) % MODULUS
    xg = wrap(v["x"] + across, ADDRESS_BITS)[:, None] + j
    yy = wrap(v["y"] + line * r["stride"] + k * r["dilation"], ADDRESS_BITS)[:, None]
    row = address // config.row_granules
    inside = (0 <= yy) & (yy < r["height"]) & (0 <= xg) & (xg < r["line"])
    return address, inside & (r["window_first"] <= row) & (row <= r["window_last"])


def window(config: TpuConfig, registers: Values, v: Values, ub: np.ndarray, k: int, c: int = 0) -> np.ndarray:
    """Bytes of the windows that `granules_of` says, positions x bytes: those of the unified buffer `ub`, or ``pad``."""
    address, is_input = granules_of(config, registers, v, k, c)
    granules = ub.reshape(-1, GRANULE_BYTES)[np.where(is_input, address, 0)]
    return np.where(is_input[..., None], granules, np.uint8(registers["pad"])).reshape(v["rows"], -1)
