import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.sim.workloads.topology import read_topology

TITLES = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"


def test_layers_are_read() -> None:
    text = TITLES + "Conv1 ,224 ,224,11 ,11 ,3 ,96 ,4 ,\n,,,,\n\nFC6,1,1,1,1,2048,1000,1,,,,,\nDP2,8,8,3,3,4,1,1,\n"
    first, second, third = read_topology("net", text)
    assert (first.name, first.text) == ("net/Conv1", "224x224x3,11x11,96, stride 4")
    assert second.fully_connected and second.macs == 2048 * 1000
    assert (third.groups, third.kernels, third.macs) == (4, 4, 6 * 6 * 9 * 4)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a,8,8,3,3,4\n", "line 2 must be a name and seven integers, separated by commas"),
        ("a,8,8,3,3,4,8,1\nb,8,8,3,3,4,x,1\n", "line 3 must be a name and seven integers"),
        ("a,8,8,3,3,-4,8,1\n", "line 2 must be a name and seven integers"),
        ("a,2,2,3,3,4,8,1\n", "kernel must be at most the input, 2 x 2, not 3 x 3"),
        ("a,8,8,3,3,4,0,1\n", "kernels must be an integer of at least 1"),
        ("\n", "net must be a topology of SCALE-Sim with at least one layer"),
    ],
)
def test_what_is_no_topology(lines: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_topology("net", TITLES + lines)
