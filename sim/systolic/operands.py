"""Operand kinds of the matrix unit, and the byte planes that carry them."""

import enum

import numpy as np

__all__ = ["OperandKind"]


class OperandKind(enum.Enum):
    """Element type of one side of a product; a 16-bit operand is two byte planes, low plane first."""

    INT8 = np.dtype(np.int8)
    UINT8 = np.dtype(np.uint8)
    INT16 = np.dtype(np.int16)
    UINT16 = np.dtype(np.uint16)

    @property
    def planes(self) -> int:
        """Byte planes: the passes that an operand of this kind takes."""
        return self.value.itemsize

    def signed(self, plane: np.ndarray) -> np.ndarray:
        """Whether the bytes of `plane` are signed: only the highest plane of a signed kind is."""
        return (plane == self.planes - 1) & (self.value.kind == "i")

    def split(self, tensor: np.ndarray) -> np.ndarray:
        """Cut a tensor of this kind into byte planes: uint8, planes x the tensor's shape."""
        patterns = tensor.view(np.dtype(f"u{self.planes}"))
        return np.stack([(patterns >> 8 * plane).astype(np.uint8) for plane in range(self.planes)])
