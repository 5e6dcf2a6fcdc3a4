"""The cycle formula of SCALE-Sim v3, the yardstick for weight-stationary arrays."""

from ...hw.config import check_int

__all__ = ["scale_sim_cycles"]


def scale_sim_cycles(rows: int, columns: int, m: int, k: int, n: int) -> int:
    """Cycles that SCALE-Sim v3 charges for M x K by K x N on a weight-stationary array of rows x columns.

    Each fold (weight tile) loads (rows cycles), streams M activation rows and empties
    (rows + columns + M - 2 cycles) before the next one starts:
    ``(2 * rows + columns + m - 2) * ceil(k / rows) * ceil(n / columns)``.
    Operands are of one pass; an array that hides loading and skew behind work takes ``m`` cycles a fold.

    Raises
    ------
    TypeError
        If a size is not an integer.
    ConfigError
        If a size is less than 1.
    """
    for field, size in (("rows", rows), ("columns", columns), ("m", m), ("k", k), ("n", n)):
        check_int(field, size, 1)
    return (2 * rows + columns + m - 2) * -(-k // rows) * -(-n // columns)
