"""AXI4 and AXI4-Lite: the part of them that is used here, and the one place that defines it.

A port of the top that is called ``m_axi`` or ``s_axil`` has ``m_axi_araddr``, ``s_axil_awvalid`` and so on in the
Verilog, the names by which packagers of IP know a bus. Bursts are INCR, aligned, of full beats, and inside a page of
4 KiB. What a burst doesn't choose (size, type, cache, protection) are constants, which `burst_address` gives.
Reference: Arm IHI 0022, "AMBA AXI and ACE Protocol Specification".
"""

import enum
from typing import Any

from amaranth.hdl import Cat, Const, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..config import check_int
from .config import PortConfig, check_bus

__all__ = [
    "Axi4ReadSignature",
    "Axi4Signature",
    "Axi4WriteSignature",
    "AxiLiteSignature",
    "Response",
    "burst_address",
    "bus_error",
    "byte_address",
    "channels",
    "failed",
    "request_layout",
]

INCR, NORMAL_BUFFERABLE, UNPRIVILEGED_SECURE_DATA = 0b01, 0b0011, 0b000


class Response(enum.IntEnum):
    """What RRESP and BRESP say."""

    OKAY = 0
    EXOKAY = 1
    SLVERR = 2
    DECERR = 3


def _address_channel(prefix: str, address_bits: int, id_bits: int) -> dict[str, wiring.Member]:
    widths = {"id": id_bits, "addr": address_bits, "len": 8, "size": 3, "burst": 2, "cache": 4, "prot": 3, "valid": 1}
    return {f"{prefix}{name}": Out(width) for name, width in widths.items()} | {f"{prefix}ready": In(1)}


def _read_channels(address_bits: int, data_bits: int, id_bits: int) -> dict[str, wiring.Member]:
    answers = {"id": id_bits, "data": data_bits, "resp": 2, "last": 1, "valid": 1}
    return (
        _address_channel("ar", address_bits, id_bits)
        | {f"r{name}": In(width) for name, width in answers.items()}
        | {"rready": Out(1)}
    )


def _write_channels(address_bits: int, data_bits: int, id_bits: int) -> dict[str, wiring.Member]:
    beats = {"data": data_bits, "strb": data_bits // 8, "last": 1, "valid": 1}
    return (
        _address_channel("aw", address_bits, id_bits)
        | {f"w{name}": Out(width) for name, width in beats.items()}
        | {"wready": In(1)}
        | {f"b{name}": In(width) for name, width in {"id": id_bits, "resp": 2, "valid": 1}.items()}
        | {"bready": Out(1)}
    )


class _Axi4(wiring.Signature):
    """AXI4 as the manager sees it.

    Parameters
    ----------
    address_bits, data_bits, id_bits
        Widths: 12 to 64; a power of two from 8 to 1024; 1 to 32.
    """

    parts: tuple[Any, ...] = ()

    def __init__(self, *, address_bits: int, data_bits: int, id_bits: int = 1):
        check_bus(address_bits, data_bits, id_bits)
        self.address_bits, self.data_bits, self.id_bits = address_bits, data_bits, id_bits
        members: dict[str, wiring.Member] = {}
        for part in self.parts:
            members |= part(address_bits, data_bits, id_bits)
        super().__init__(members)


class Axi4ReadSignature(_Axi4):
    """The channels AR and R."""

    parts = (_read_channels,)


class Axi4WriteSignature(_Axi4):
    """The channels AW, W and B."""

    parts = (_write_channels,)


class Axi4Signature(_Axi4):
    """All five channels."""

    parts = (_read_channels, _write_channels)


class AxiLiteSignature(wiring.Signature):
    """AXI4-Lite as the manager sees it, 32 bits of data.

    Parameters
    ----------
    address_bits
        Width of a byte address.
    """

    def __init__(self, *, address_bits: int):
        check_int("address_bits", address_bits, 2, 64)
        self.address_bits = address_bits
        members = {}
        for channel, names in {"aw": ("addr", "prot"), "w": ("data", "strb"), "ar": ("addr", "prot")}.items():
            widths = {"addr": address_bits, "prot": 3, "data": 32, "strb": 4}
            members |= {f"{channel}{name}": Out(widths[name]) for name in names}
            members |= {f"{channel}valid": Out(1), f"{channel}ready": In(1)}
        members |= {"bresp": In(2), "bvalid": In(1), "bready": Out(1)}
        members |= {"rdata": In(32), "rresp": In(2), "rvalid": In(1), "rready": Out(1)}
        super().__init__(members)


def channels(interface: Any, signature: wiring.Signature) -> Any:
    """The ports of `interface` that `signature` has, as an interface of their own, for ``connect``.

    With it a top whose one port is all of AXI4 gives a reader its two channels and a writer its three.
    """
    part = wiring.PureInterface(signature)
    vars(part).update({name: getattr(interface, name) for name in signature.members})
    return part


def burst_address(interface: Any, channel: str, config: PortConfig, address: Value, beats: Value) -> list[Any]:
    """Statements for a burst on the channel ``ar`` or ``aw``, all but its valid: first beat, how many, constants."""
    values = {
        "id": 0,
        "addr": byte_address(address, config),
        "len": beats - 1,
        "size": exact_log2(config.bytes),
        "burst": INCR,
        "cache": NORMAL_BUFFERABLE,
        "prot": UNPRIVILEGED_SECURE_DATA,
    }
    return [getattr(interface, channel + name).eq(value) for name, value in values.items()]


def byte_address(address: Value, config: PortConfig) -> Value:
    """Address in bytes of an address in beats."""
    return Cat(Const(0, exact_log2(config.bytes)), address)


def failed(response: Value) -> Value:
    """Whether RRESP or BRESP is SLVERR or DECERR."""
    return response[1]


def request_layout(config: PortConfig) -> data.StructLayout:
    """What an engine is asked for.

    ``address``: of the first beat, in beats (bytes / bytes a beat), so that none is unaligned. ``beats``: how many
    follow each other; a request of none does nothing. Beyond the last address comes address 0.
    """
    return data.StructLayout({"address": config.beat_address_bits, "beats": config.beats_bits})


def bus_error(config: PortConfig) -> data.StructLayout:
    """The first burst that failed since errors were cleared.

    ``valid``: there is one; ``decode``: by DECERR, not SLVERR; ``address``: its first byte.
    """
    return data.StructLayout({"valid": 1, "decode": 1, "address": config.address_bits})
