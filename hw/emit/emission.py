"""What an emission consists of, and how it is written to a folder."""

import dataclasses
import hashlib
import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from amaranth.hdl._ir import PortDirection
from amaranth.lib import stream, wiring

from ..errors import ConfigError
from .axi_stream import axi_stream_wrapper, axi_streams
from .files import write_files
from .packaging import constraints, fusesoc_core, ip_xact
from .ports import port_name, signature_ports
from .shape import describe_shape
from .sv_package import sv_package
from .waivers import verilator_control

__all__ = ["FORMAT", "Emission", "check_axi_stream", "digest", "make_emission"]

FORMAT = 2
"""Of the manifest; another number if what reads it must change."""


@dataclasses.dataclass(frozen=True)
class Emission:
    """Verilog, lint waivers and manifest of one top.

    Attributes
    ----------
    top
        Module name of the top.
    verilog
        Verilog text by file name.
    waivers
        Verilator control file: lint waivers and hierarchical blocks.
    manifest
        Configuration, ports, streams, module tree, and the hash of all texts; plain values for JSON.
    clock_mhz
        In the timing constraints.
    """

    top: str
    verilog: dict[str, str]
    waivers: str
    manifest: dict[str, Any]
    clock_mhz: float = 100.0

    @property
    def intact(self) -> bool:
        """Whether the texts are those that the manifest's hash was made of."""
        return self.manifest.get("hash") == digest(self.verilog, self.waivers)

    @property
    def files(self) -> dict[str, str]:
        """Every file of the emission by name."""
        manifest, top, wrapper = self.manifest, self.top, self.manifest["axi_stream"]
        clock = "aclk" if wrapper else "clk"
        files = self.verilog | {f"{top}.vlt": self.waivers, f"{top}.json": json.dumps(manifest, indent=1) + "\n"}
        files |= {manifest["package"]: sv_package(manifest)}
        files |= {wrapper: axi_stream_wrapper(manifest)} if wrapper else {}
        wrapping = wrapper and wrapper.removesuffix(".sv")
        return files | {
            f"{top}.core": fusesoc_core(manifest, wrapping),
            f"{top}_component.xml": ip_xact(manifest, wrapping),
            f"{top}.sdc": constraints(manifest, self.clock_mhz, clock),
            f"{top}.xdc": constraints(manifest, self.clock_mhz, clock),
        }

    def with_axi_stream(self) -> "Emission":
        """The same emission with a module around it whose streams are AXI4-Stream.

        Raises
        ------
        ConfigError
            If it has no streams.
        """
        _check_axi_stream(self.top, self.manifest["streams"])
        return dataclasses.replace(self, manifest=self.manifest | {"axi_stream": f"{self.top}_axis.sv"})

    def split(self) -> "Emission":
        """The same emission with one Verilog file a module."""
        text = "".join(self.verilog.values())
        modules = re.finditer(r"^(?:\(\*[^\n]*\n)*module (\w+).*?^endmodule\n", text, re.MULTILINE | re.DOTALL)
        verilog = {f"{module[1]}.v": module[0] for module in modules}
        return dataclasses.replace(_seal(self.top, verilog, self.manifest), clock_mhz=self.clock_mhz)

    def write(self, folder: Path | str) -> list[Path]:
        """Write all files; those that are already equal are left untouched.

        Verilog files of an earlier emission of the same top that this one doesn't have are removed, and its wrapper.

        Returns
        -------
        list of Path
            The files of the emission, Verilog first.

        Raises
        ------
        OSError
            If the folder can't be made or a file can't be written; the files are then as they were before.
        """
        root, files = Path(folder), self.files
        stale = _listed_files(root / f"{self.top}.json") - set(files)
        write_files(root, files)
        for name in stale:
            (root / name).unlink(missing_ok=True)
        return [root / name for name in files]


def check_axi_stream(component: Any, name: str) -> None:
    """Refuse a component that `Emission.with_axi_stream` would refuse, before it is emitted.

    Raises
    ------
    ConfigError
        With its `name`: if it has no streams.
    """
    component._MustUse__used = True  # for its signature
    _check_axi_stream(name, _streams(component, {port for port, _, _ in signature_ports(component)}))


def _check_axi_stream(name: str, streams: list[dict[str, Any]]) -> None:
    if not axi_streams({"streams": streams}):
        raise ConfigError(f"{name} has no streams that could be AXI4-Stream: its ports are buses already")


def make_emission(top: Any, modules: list[Any], verilog: str) -> Emission:
    """Build the emission from elaborated modules (children before parents) and their Verilog."""
    config = top.config
    fields = dataclasses.asdict(config) if dataclasses.is_dataclass(config) and not isinstance(config, type) else None
    by_name = {module.name: module for module in modules}
    totals = _instance_totals(top.name, by_name)
    manifest = {
        "format": FORMAT,
        "top": top.name,
        "files": [],
        "waivers": f"{top.name}.vlt",
        "package": f"{top.name}_pkg.sv",
        "axi_stream": None,
        "config": fields,
        "config_class": None if fields is None else type(config).__name__,
        "ports": _ports(top),
        "streams": _streams(top.component, {name for name, _, _ in top.ports}),
        "modules": [
            {
                "name": module.name,
                "class": type(module.component).__name__,
                "config": _plain(module.config),
                "instances": totals[module.name],
                "submodules": dict(module.children),
            }
            for module in reversed(modules)
        ],
        "hierarchical": [module.name for module in modules if module.hier_block],
        "hash": "",
    }
    return _seal(top.name, {f"{top.name}.v": verilog}, manifest)


def _seal(top: str, verilog: dict[str, str], manifest: dict[str, Any]) -> Emission:
    """Fill in what depends on the texts: file names, waivers, hash."""
    waivers = verilator_control(list(verilog), manifest["hierarchical"])
    return Emission(top, verilog, waivers, manifest | {"files": list(verilog), "hash": digest(verilog, waivers)})


def digest(verilog: dict[str, str], waivers: str) -> str:
    """Hash of the Verilog texts in the order of the manifest, and the waivers after them."""
    return hashlib.sha256("".join([*verilog.values(), waivers]).encode()).hexdigest()


def _listed_files(manifest: Path) -> set[str]:
    """Verilog files that an earlier manifest lists; none if it can't be read."""
    if not manifest.is_file():  # a pipe would wait for ever
        return set()
    try:
        listed = json.loads(manifest.read_bytes())
        names = [*listed["files"], listed.get("axi_stream") or ""]
        return {name for name in names if re.fullmatch(r"\w+\.s?v", name)}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _plain(config: Any) -> Any:
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {"class": type(config).__name__} | dataclasses.asdict(config)
    if isinstance(config, (tuple, list)):
        return [_plain(item) for item in config]
    return config if isinstance(config, (int, str, bool, float, type(None))) else str(config)


def _ports(top: Any) -> list[dict[str, Any]]:
    members = top.component.signature.flatten(top.component)
    shapes = {port_name(path): member.shape for path, member, _ in members}
    bit = {"kind": "unsigned", "width": 1}
    ports: list[dict[str, Any]] = [{"name": clock, "direction": "in", "width": 1, "shape": bit} for clock in top.clocks]
    for name, value, direction in top.ports:
        ports.append(
            {
                "name": name,
                "direction": "in" if direction is PortDirection.Input else "out",
                "width": len(value),
                "shape": describe_shape(shapes[name]),
            }
        )
    return ports


def _streams(component: Any, names: set[str]) -> list[dict[str, Any]]:
    """Streams of a component whose ports have these names: one always valid or always ready has no port for it."""
    streams = []

    def visit(members: Any, flip: bool, prefix: tuple[str | int, ...]) -> None:
        for name, member in members.items():
            if not member.is_signature:
                continue
            inner = member.signature  # flipped if the member is an input
            inward = isinstance(inner, wiring.FlippedSignature) != flip
            base = inner.flip() if isinstance(inner, wiring.FlippedSignature) else inner
            for indices in itertools.product(*map(range, member.dimensions)):
                path = (*prefix, name, *indices)
                if not isinstance(base, stream.Signature):
                    visit(base.members, inward, path)
                    continue
                ports = {part: port_name((*path, part)) for part in ("payload", "valid", "ready")}
                payload = describe_shape(base.members["payload"].shape)
                streams.append(
                    {
                        "name": port_name(path),
                        "direction": "in" if inward else "out",
                        "payload": payload,
                        "width": payload["width"],
                        "ports": {part: port for part, port in ports.items() if port in names},
                    }
                )

    visit(component.signature.members, False, ())
    return streams


def _instance_totals(top: str, modules: dict[str, Any]) -> Counter:
    """Instances of each module in the whole design, the top counting one."""
    totals: Counter = Counter({top: 1})
    for name in reversed(list(modules)):  # parents come after their children, so totals are complete when used
        for child, count in modules[name].children.items():
            totals[child] += count * totals[name]
    return totals
