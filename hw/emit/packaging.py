"""What build systems and packagers of IP want beside the Verilog: FuseSoC, IP-XACT, timing constraints."""

import importlib.metadata
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from .axi_stream import axi_streams

__all__ = ["IPXACT", "constraints", "fusesoc_core", "ip_xact"]

PROJECT = "tensorloom"
"""Vendor and library."""

IPXACT = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"

CHANNELS = (
    r"(?:aw|ar)(?:id|addr|len|size|burst|lock|cache|prot|qos|valid|ready)"
    r"|[wr](?:id|data|strb|last|resp|valid|ready)|b(?:id|resp|valid|ready)"
)
AXI_PORT = re.compile(rf"([ms])_(axil?)((?:_[a-z]+)*)_({CHANNELS})")
"""A port of AXI4 or AXI4-Lite: which side, which of the two, its name, and the signal."""

BUSES = {"axi": "AXI4", "axil": "AXI4-Lite", "axis": "AXI4Stream"}


def _version() -> str:
    return importlib.metadata.version(PROJECT)


def fusesoc_core(manifest: Mapping[str, Any], wrapper: str | None) -> str:
    """Description for FuseSoC (CAPI 2): a target that lints by Verilator, and one for cores that depend on this.

    Those get the waivers whatever their tool is: FuseSoC doesn't say which it is where a flow chooses it.
    """
    top = manifest["top"]
    files = [f"      - {top}_pkg.sv : {{file_type : systemVerilogSource}}"]
    files += [f"      - {name} : {{file_type : verilogSource}}" for name in manifest["files"]]
    files += [f"      - {wrapper}.sv : {{file_type : systemVerilogSource}}"] if wrapper else []
    listed = "\n".join(files)
    return f"""CAPI=2:

name : {PROJECT}:{PROJECT}:{wrapper or top}:{_version()}
description : {top}, made by tensorloom

filesets:
  rtl:
    files:
{listed}
  waivers:
    files:
      - {manifest["waivers"]} : {{file_type : vlt}}
  sdc:
    files:
      - {top}.sdc : {{file_type : SDC}}
  xdc:
    files:
      - {top}.xdc : {{file_type : xdc}}

targets:
  default:
    filesets : [waivers, rtl, "tool_quartus ? (sdc)", "tool_vivado ? (xdc)"]
    toplevel : {wrapper or top}
  lint:
    filesets : [waivers, rtl]
    flow : lint
    flow_options : {{tool : verilator, verilator_options : [-Wall]}}
    toplevel : {wrapper or top}
"""


def constraints(manifest: Mapping[str, Any], clock_mhz: float, clock: str) -> str:
    """Timing constraints: the clock, and what to fill in for the ports. Vivado reads the same words as others."""
    period = f"{1000 / clock_mhz:.3f}"
    return f"""# {manifest["top"]}: all in one clock, {clock_mhz:g} MHz. Change the period to what your system has.
create_clock -name {clock} -period {period} [get_ports {clock}]

# If the ports are pins, or belong to a block that is closed on its own, say how much of the period is outside:
# set_input_delay  -clock {clock} {0.3 * float(period):.3f} [all_inputs]
# set_output_delay -clock {clock} {0.3 * float(period):.3f} [all_outputs]
"""


def ip_xact(manifest: Mapping[str, Any], wrapper: str | None) -> str:
    """Component of IEEE 1685-2014: ports, bus interfaces of AXI4, AXI4-Lite and AXI4-Stream, and files."""
    ElementTree.register_namespace("ipxact", IPXACT)
    top = manifest["top"]
    root = _add(None, "component")
    for tag, text in zip(("vendor", "library", "name", "version"), _vlnv(wrapper or top), strict=True):
        _add(root, tag, text)
    streams = axi_streams(manifest) if wrapper else []
    ports = _ports(manifest, streams, wrapped=bool(wrapper))
    interfaces = _interfaces([name for name, _, _ in ports])
    if interfaces:
        parent = _add(root, "busInterfaces")
        for (side, bus, name), signals in interfaces.items():
            _interface(parent, side, bus, name, signals)
    model = _add(root, "model")
    view = _add(_add(model, "views"), "view")
    _add(view, "name", "rtl")
    _add(view, "componentInstantiationRef", "rtl")
    instantiation = _add(_add(model, "instantiations"), "componentInstantiation")
    _add(instantiation, "name", "rtl")
    _add(instantiation, "language", "Verilog")
    _add(instantiation, "moduleName", wrapper or top)
    _add(_add(instantiation, "fileSetRef"), "localName", "rtl")
    parent = _add(model, "ports")
    for name, direction, width in ports:
        port = _add(parent, "port")
        _add(port, "name", name)
        wire = _add(port, "wire")
        _add(wire, "direction", direction)
        if width > 1:
            vector = _add(_add(wire, "vectors"), "vector")
            _add(vector, "left", str(width - 1))
            _add(vector, "right", "0")
    files = _add(_add(root, "fileSets"), "fileSet")
    _add(files, "name", "rtl")
    names = [f"{top}_pkg.sv", *manifest["files"], *([f"{wrapper}.sv"] if wrapper else [])]
    for name in names:
        file = _add(files, "file")
        _add(file, "name", name)
        _add(file, "fileType", "verilogSource" if name.endswith(".v") else "systemVerilogSource")
    _add(root, "description", f"{top}, made by tensorloom")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _vlnv(name: str) -> Sequence[str]:
    return PROJECT, PROJECT, name, _version()


def _add(
    parent: ElementTree.Element | None, tag: str, text: str | None = None, **attributes: str
) -> ElementTree.Element:
    tag = f"{{{IPXACT}}}{tag}"
    element = ElementTree.Element(tag) if parent is None else ElementTree.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _ports(manifest: Mapping[str, Any], streams: Any, *, wrapped: bool) -> list[tuple[str, str, int]]:
    """Name, direction and width of each port; of the wrapper, if there is one."""
    if not wrapped:
        return [(port["name"], port["direction"], port["width"]) for port in manifest["ports"]]
    inner = {port for _, stream in streams for port in stream["ports"].values()} | {"clk", "rst"}
    ports = [("aclk", "in", 1), ("aresetn", "in", 1)]
    for prefix, stream in streams:
        there, back = ("in", "out") if stream["direction"] == "in" else ("out", "in")
        width = stream["width"] + -stream["width"] % 8
        ports += [(f"{prefix}_tdata", there, width), (f"{prefix}_tvalid", there, 1), (f"{prefix}_tready", back, 1)]
    rest = [port for port in manifest["ports"] if port["name"] not in inner]
    return ports + [(port["name"], port["direction"], port["width"]) for port in rest]


def _interfaces(names: Sequence[str]) -> dict[tuple[str, str, str], dict[str, str]]:
    """Signals of each bus by the bus's names for them: side, bus and name of the interface, and its ports."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for name in names:
        if match := re.fullmatch(r"([ms])_(axis)(_\w+)_(t(?:data|valid|ready))", name) or AXI_PORT.fullmatch(name):
            side, bus, rest, signal = match.groups()
            found.setdefault((side, bus, f"{side}_{bus}{rest}"), {})[signal.upper()] = name
    return found


def _interface(parent: ElementTree.Element, side: str, bus: str, name: str, signals: Mapping[str, str]) -> None:
    interface = _add(parent, "busInterface")
    _add(interface, "name", name)
    version = "r0p0_0"
    library = {"vendor": "amba.com", "library": "AMBA4", "version": version}
    _add(interface, "busType", None, name=BUSES[bus], **library)
    abstraction = _add(_add(interface, "abstractionTypes"), "abstractionType")
    _add(abstraction, "abstractionRef", None, name=f"{BUSES[bus]}_rtl", **library)
    maps = _add(abstraction, "portMaps")
    for logical, physical in signals.items():
        port_map = _add(maps, "portMap")
        _add(_add(port_map, "logicalPort"), "name", logical)
        _add(_add(port_map, "physicalPort"), "name", physical)
    _add(interface, "master" if side == "m" else "slave")
