"""How machines hold values: as images N x H x W x C, whatever shape and order of axes a network sees."""

import dataclasses
import math
from functools import cached_property

import numpy as np

from ...sim.network.graph import Value

__all__ = ["View"]


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A value as a tensor of a machine.

    Parameters
    ----------
    tensor
        The tensor's name.
    sizes
        Height, width, channels.
    order
        By element of the value's, image by image in the order of its axes: where it is in the tensor's image (H x W x
        C); None if a pixel's channels are the last axis, as they are in the tensor.
    """

    tensor: str
    sizes: tuple[int, int, int]
    order: np.ndarray | None = None

    @classmethod
    def of(cls, value: Value) -> "View":
        """A value that is laid out as machines like it: channels of N x C x H x W last, other shapes as lines."""
        if len(value.shape) == 4:
            _, channels, height, width = value.shape
            return cls(value.name, (height, width, channels), channels_last(channels, height, width))
        *others, last = value.shape[1:] or (1,)
        return cls(value.name, (1, math.prod(others), last))

    def renamed(self, tensor: str) -> "View":
        """The same of another tensor."""
        return dataclasses.replace(self, tensor=tensor)

    def reshaped(self, source: Value, permutation: tuple[int, ...] | None) -> "View":
        """After a permutation of axes that leaves the images, and any change of shape that does."""
        order = self.whole_order
        if permutation is not None:
            order = order.reshape(source.shape[1:]).transpose([axis - 1 for axis in permutation[1:]]).ravel()
        natural = np.array_equal(order, np.arange(len(order)))
        return dataclasses.replace(self, order=None if natural else order)

    @cached_property
    def whole_order(self) -> np.ndarray:
        """Of every element."""
        return np.arange(math.prod(self.sizes)) if self.order is None else self.order

    def alike(self, other: "View") -> bool:
        """Whether elements of two values of one shape lie at the same places."""
        return self.sizes == other.sizes and np.array_equal(self.whole_order, other.whole_order)

    def is_image(self, shape: tuple[int, ...]) -> bool:
        """Whether it is the N x C x H x W that `shape` says, with a pixel's channels side by side."""
        if len(shape) != 4 or self.sizes != (shape[2], shape[3], shape[1]):
            return False
        return np.array_equal(self.whole_order, channels_last(*shape[1:]))

    def has_rows(self, shape: tuple[int, ...]) -> bool:
        """Whether pixels are the rows of the value's last axis."""
        return self.sizes[2] == shape[-1] and self.order is None

    def rows(self, weights: np.ndarray) -> np.ndarray:
        """Weights of a product with a whole image, a row an element of the value, in the order of the tensor's."""
        ordered = np.empty_like(weights)
        ordered[self.whole_order] = weights
        return ordered

    def pack(self, values: np.ndarray) -> np.ndarray:
        """The tensor, N x H x W x C, of the network's values."""
        flat = values.reshape(len(values), -1)
        packed = np.empty_like(flat)
        packed[:, self.whole_order] = flat
        return packed.reshape(len(values), *self.sizes)

    def unpack(self, tensor: np.ndarray, value: Value) -> np.ndarray:
        """The network's values of the tensor, N x H x W x C or flat."""
        return tensor.reshape(value.shape[0], -1)[:, self.whole_order].reshape(value.shape).astype(value.dtype)


def channels_last(channels: int, height: int, width: int) -> np.ndarray:
    """Where the elements of C x H x W are in H x W x C."""
    return np.arange(height * width * channels).reshape(height, width, channels).transpose(2, 0, 1).ravel()
