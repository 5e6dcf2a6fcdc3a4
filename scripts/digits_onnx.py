#!/usr/bin/env python3
"""Write the digits networks as quantized ONNX models, and held-out images for them.

Into the folder that is named, by default the current one: ``digits_mlp.onnx``, ``digits_cnn.onnx``, and for each the
images ``..._images.npy``.
"""

import sys
from pathlib import Path

import numpy as np
import onnx

from tensorloom.sim.workloads.digits import digits_images
from tensorloom.sim.workloads.digits_onnx import MODELS

IMAGES = 8

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    images = digits_images().test_images[:IMAGES].astype(np.float32)
    for name, make in MODELS.items():
        model = make()
        shape = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim[1:]]
        onnx.save(model, folder / f"{name}.onnx")
        np.save(folder / f"{name}_images.npy", images.reshape(-1, *shape))
