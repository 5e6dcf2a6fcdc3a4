import numpy as np
import pytest

from tensorloom.sim.systolic.operands import OperandKind


@pytest.mark.parametrize("kind", OperandKind)
def test_planes_make_the_value(kind):
    limits = np.iinfo(kind.value)
    values = np.array([[limits.min, limits.max, 0], [1, limits.max // 3, limits.min // 3]], kind.value)
    planes = kind.split(values)
    assert planes.dtype == np.uint8
    assert planes.shape == (kind.planes, 2, 3)
    total = np.zeros(values.shape, int)
    for i in range(kind.planes):
        plane = planes[i].view(np.int8) if kind.signed(np.array(i)) else planes[i]
        total += plane.astype(int) * 256**i
    assert (total == values).all()
    assert OperandKind(values.dtype) is kind
