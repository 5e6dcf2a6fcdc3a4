from pathlib import Path

import numpy as np
import pytest

from tensorloom.sim.compiled import compiled, part


@part
def _double(array, at):
    array[at] *= 2


@compiled
def _double_all(array):
    for at in range(len(array)):
        _double(array, at)


def test_compiled_functions_and_their_parts() -> None:
    array = np.arange(5)
    _double_all(array)
    assert array.tolist() == [0, 2, 4, 6, 8]
    assert getattr(_double_all, "nopython_signatures")  # noqa: B009  # numba's


def _triple(number):
    return 3 * number


def test_without_a_folder_for_machine_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing can be kept, a function is compiled all the same."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "file"))
    assert compiled(_triple)(7) == 21
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "cache"))
    assert compiled(_triple)(8) == 24
    assert list((tmp_path / "cache" / "compiled").rglob("*.nbc"))
