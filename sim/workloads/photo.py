"""A convolution on a real photograph: scikit-learn's sample image and a fixed bank of 64 filters."""

import numpy as np

__all__ = ["filter_bank", "photo"]

SUBSAMPLING = 4
"""Every fourth pixel of every fourth line is kept, from the first on."""

SHAPES = (
    ((1, 2, 1), (2, 4, 2), (1, 2, 1)),  # blur
    ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),  # spot
    ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),  # edges at 0, 90, 45 and 135 degrees
    ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    ((-2, -1, 0), (-1, 0, 1), (0, 1, 2)),
    ((0, 1, 2), (-1, 0, 1), (-2, -1, 0)),
    ((-1, -1, -1), (2, 2, 2), (-1, -1, -1)),  # lines at 0 and 90 degrees
    ((-1, 2, -1), (-1, 2, -1), (-1, 2, -1)),
)
COLOURS = (
    (1, 1, 1),  # brightness
    (1, 0, 0),  # red, green, blue
    (0, 1, 0),
    (0, 0, 1),
    (1, -1, 0),  # opponents: red-green, yellow-blue, magenta-green, cyan-red
    (1, 1, -2),
    (1, -2, 1),
    (-2, 1, 1),
)


def photo() -> np.ndarray:
    """Load ``china.jpg`` of scikit-learn (with Pillow), subsampled: uint8, 1 x 107 x 160 x 3 (N, H, W, C)."""
    from sklearn.datasets import load_sample_image

    image = load_sample_image("china.jpg")
    return np.ascontiguousarray(image[np.newaxis, ::SUBSAMPLING, ::SUBSAMPLING])


def filter_bank() -> np.ndarray:
    """Build the filters: int8, 3 x 3 x 3 x 64 (R, S, C, K).

    Kernel ``8 * i + j`` is the shape i (blur, spot, four edges, two lines) times the colour j (brightness,
    three primaries, four opponents), scaled so that its largest weight is 127 or -127.
    """
    bank = np.einsum("irs,jc->rscij", np.array(SHAPES), np.array(COLOURS)).reshape(3, 3, 3, 64)
    return np.rint(bank * 127 / np.abs(bank).max(axis=(0, 1, 2))).astype(np.int8)
