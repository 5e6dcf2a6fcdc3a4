import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorloom.sim.workloads.digits_cnn as digits_cnn

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_reproduces_the_committed_weights(tmp_path):
    output = tmp_path / "digits_cnn.npz"
    command = [sys.executable, str(ROOT / "scripts" / "train_digits_cnn.py"), "--output", str(output)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # its matrices are too small for threads
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=environment)
    # Python's versions pack the same arrays into different archives.
    with np.load(output) as made, np.load(Path(digits_cnn.__file__).parent / "data" / "digits_cnn.npz") as kept:
        assert made.files == kept.files
        for array in made.files:
            assert made[array].dtype == kept[array].dtype
            np.testing.assert_array_equal(made[array], kept[array])
    assert "test: 98.89% of 360 images" in result.stdout
