"""Polyphase components: a strided, dilated convolution along one axis as a sum of plain ones."""

import dataclasses

import numpy as np

__all__ = ["Phase", "axis_phases"]


@dataclasses.dataclass(frozen=True)
class Phase:
    """A stride-1 convolution within one axis: output ``output(p - t)`` gets input ``inputs[p]`` times tap ``taps[t]``.

    Parameters
    ----------
    inputs
        Input positions, evenly spaced; all lie within the axis.
    taps
        Kernel positions.
    origin, step
        ``output(q) = origin + step * q``.
    """

    inputs: np.ndarray
    taps: np.ndarray
    origin: int
    step: int

    def output(self, q: np.ndarray) -> np.ndarray:
        """Output positions for differences `q`; may lie outside the axis."""
        return self.origin + self.step * q


def axis_phases(size: int, kernel: int, stride: int, padding: int, dilation: int) -> list[Phase]:
    """Split a convolution along one axis into stride-1 convolutions on sub-grids of its input.

    Parameters
    ----------
    size, kernel
        Inputs and taps along the axis.
    stride, padding, dilation
        As in `ConvolutionGeometry`; `padding` is that before the first input.
    """
    phases = []
    for residue in range(stride):
        offsets = np.arange(kernel) * dilation - padding - residue
        taps = np.flatnonzero(offsets % stride == 0)
        if not len(taps):
            continue
        shifts = offsets[taps] // stride
        step = int(shifts[1] - shifts[0]) if len(taps) > 1 else 1
        inputs = np.arange(residue, size, stride)
        for start in range(min(step, len(inputs))):
            phases.append(Phase(inputs[start::step], taps, start - int(shifts[0]), step))
    return phases
