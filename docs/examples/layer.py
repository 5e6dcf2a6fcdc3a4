"""Makes the data of layer.tpu: a fully connected layer, 16 inputs of 16 values to 8 outputs each."""

from pathlib import Path

import numpy as np

ROWS, INPUTS, OUTPUTS = 16, 16, 8
SIDE = 8  # tpu-tiny has 8 x 8 PEs

rng = np.random.default_rng(1)
x = rng.integers(0, 256, (ROWS, INPUTS), np.uint8)
w = rng.integers(-128, 128, (INPUTS, OUTPUTS), np.int8)
bias = rng.integers(-20_000, 20_000, OUTPUTS, np.int32)
factor = rng.uniform(0.001, 0.005, OUTPUTS).astype(np.float32)

# Window 0: the first 8 values of all inputs, then the others: a slice for each weight tile.
slices = [x[:, start : start + SIDE] for start in range(0, INPUTS, SIDE)]
Path("x.bin").write_bytes(b"".join(part.tobytes() for part in slices))

# Weight memory: both tiles, row by row, then the parameter set: bias and factor by column.
parameters = np.zeros(OUTPUTS, [("bias", "<i4"), ("factor", "<f4")])
parameters["bias"], parameters["factor"] = bias, factor
Path("w.bin").write_bytes(w.tobytes() + parameters.tobytes())

# What window 1 must hold afterwards.
sums = x.astype(np.int32) @ w.astype(np.int32) + bias
y = np.rint(sums.astype(np.float32) * factor).clip(0, 255).astype(np.uint8)
Path("y.bin").write_bytes(y.tobytes())
