import numpy as np

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


def test_without_a_folder_for_machine_code() -> None:
    """A function without a source file stands for one whose folders can't be written: numba can't keep its code."""
    names: dict = {}
    exec("def triple(number):\n    return 3 * number", names)
    assert compiled(names["triple"])(7) == 21
