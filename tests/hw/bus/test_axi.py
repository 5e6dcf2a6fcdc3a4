"""Names of ports, and widths that AXI doesn't have."""

import re

import pytest

from tensorloom.hw.bus.axi import Axi4ReadSignature, Axi4Signature, Axi4WriteSignature, AxiLiteSignature
from tensorloom.hw.bus.config import PortConfig
from tensorloom.hw.bus.registers import RegisterFile
from tensorloom.hw.config import ConfigError
from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.bus.copier import Copier
from tensorloom.tb.bus.maps import MAPS
from tensorloom.tb.bus.parts import COPIER

ADDRESS = ["id", "addr", "len", "size", "burst", "cache", "prot", "valid"]
OUT = [f"{prefix}{name}" for prefix in ("ar", "aw") for name in ADDRESS] + ["rready", "bready"]
OUT += [f"w{name}" for name in ("data", "strb", "last", "valid")]
IN = ["arready", "awready", "wready", "bid", "bresp", "bvalid"]
IN += [f"r{name}" for name in ("id", "data", "resp", "last", "valid")]


def ports(emission, prefix):
    """Width and direction of the ports that begin like this, by the rest of their names."""
    return {
        port["name"].removeprefix(prefix): (port["width"], port["direction"])
        for port in emission.manifest["ports"]
        if port["name"].startswith(prefix)
    }


def test_names_of_axi4():
    found = ports(emit(Copier(COPIER)), "m_axi_")
    assert {name for name, (_, direction) in found.items() if direction == "out"} == set(OUT)
    assert {name for name, (_, direction) in found.items() if direction == "in"} == set(IN)
    widths = {name: found[name][0] for name in ("araddr", "awlen", "wdata", "wstrb", "rid", "bresp", "arsize")}
    assert widths == {"araddr": 15, "awlen": 8, "wdata": 64, "wstrb": 8, "rid": 4, "bresp": 2, "arsize": 3}


def test_names_of_axi4_lite():
    found = ports(emit(RegisterFile(MAPS["everything"])), "s_axil_")
    outward = {name for name, (_, direction) in found.items() if direction == "out"}
    assert outward == {"awready", "wready", "bresp", "bvalid", "arready", "rdata", "rresp", "rvalid"}
    assert set(found) - outward == {
        "awaddr", "awprot", "awvalid", "wdata", "wstrb", "wvalid", "bready", "araddr", "arprot", "arvalid", "rready",
    }  # fmt: skip


def test_all_of_axi4_is_both_sides():
    widths = {"address_bits": 20, "data_bits": 32, "id_bits": 3}
    both = dict(Axi4Signature(**widths).members)
    assert both == dict(Axi4ReadSignature(**widths).members) | dict(Axi4WriteSignature(**widths).members)


@pytest.mark.parametrize(
    ("make", "changes", "message"),
    [
        (PortConfig, {"data_bits": 48}, "data_bits must be a power of two, not 48"),
        (PortConfig, {"data_bits": 2048}, "data_bits must be an integer from 8 to 1024, not 2048"),
        (PortConfig, {"address_bits": 11}, "address_bits must be an integer from 12 to 64, not 11"),
        (PortConfig, {"id_bits": 0}, "id_bits must be an integer from 1 to 32, not 0"),
        (PortConfig, {"max_burst": 12}, "max_burst must be a power of two, not 12"),
        (PortConfig, {"data_bits": 512, "max_burst": 128}, "max_burst must be an integer from 1 to 64, not 128"),
        (PortConfig, {"fifo_depth": 15}, "fifo_depth must be an integer from 16 to 65536, not 15"),
        (PortConfig, {"outstanding": 0}, "outstanding must be an integer from 1 to 256, not 0"),
        (AxiLiteSignature, {"address_bits": 1}, "address_bits must be an integer from 2 to 64, not 1"),
    ],
)
def test_what_axi_does_not_have(make, changes, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        make(**changes)
