"""A SystemVerilog package for whoever instantiates a design: types of its ports, constants, packing functions.

Everything comes from the manifest, so it is right for every engine and configuration.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["identifier", "payload_types", "sv_package"]

KEYWORDS = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins
    binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const
    constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge
    else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
    endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect
    export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global
    highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input
    inside instance int integer interconnect interface intersect join join_any join_none large let liblist library
    local localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
    noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program
    property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
    randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
    rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled
    signed small soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1
    sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1
    tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var
    vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
    """.split()
)
"""Words of SystemVerilog that can't be names."""


def identifier(name: str) -> str:
    """A name that SystemVerilog takes: itself, if it can be."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    plain = plain if re.match(r"[A-Za-z_]", plain) else f"n{plain}"
    return f"{plain}_" if plain in KEYWORDS else plain


def payload_types(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Type of each stream and of each port of several values, by its name.

    Streams of one name and several numbers have one type if their payloads are alike, and ``i_`` and ``o_`` are left
    out where that is clear.
    """
    taken = {port for stream in manifest["streams"] for port in stream["ports"].values()}
    shapes = {stream["name"]: stream["payload"] for stream in manifest["streams"] if stream["width"]}
    shapes |= {
        port["name"]: port["shape"]
        for port in manifest["ports"]
        if port["name"] not in taken and port["shape"]["kind"] in ("struct", "array")
    }
    for short in (lambda name: re.sub(r"^[io]_|(_\d+)+$", "", name), lambda name: name):
        owners: dict[str, list[str]] = {}
        for name in shapes:
            owners.setdefault(short(name), []).append(name)
        if all(shapes[name] == shapes[names[0]] for names in owners.values() for name in names):
            break
    return {name: identifier(f"{base}_t") for base, names in owners.items() for name in names}


def sv_package(manifest: Mapping[str, Any]) -> str:
    """Text of the package ``<top>_pkg``."""
    shapes = {port["name"]: port["shape"] for port in manifest["ports"]}
    shapes |= {stream["name"]: stream["payload"] for stream in manifest["streams"]}
    kinds, types = payload_types(manifest), _Types()
    for joint in ("_", "__"):  # two, if a part would be called like another payload
        types = _Types(joint)
        for type_name in dict.fromkeys(kinds.values()):
            users = [user for user, used in kinds.items() if used == type_name]
            types.add(type_name.removesuffix("_t"), shapes[users[0]], ", ".join(users))
        if len(types.names) == len(set(types.names)):
            break
    constants = [
        f"  localparam {kind} {identifier(f'CONFIG_{name.upper()}')} = {value};"
        for name, kind, value in _constants(manifest["config"] or {})
    ]
    name = f"{manifest['top']}_pkg"
    parts = [
        f"// Types, constants and packing functions of {manifest['top']}, made from its manifest.",
        f"package {name};",
        "  // verilator lint_off UNUSEDPARAM",  # nobody needs all of them
        "  // verilator lint_off SYMRSVDWORD",  # names of streams may be words of C++
        *(["  // Its configuration.", *constants] if constants else []),
        *types.lines,
        "  // verilator lint_on SYMRSVDWORD",
        "  // verilator lint_on UNUSEDPARAM",
        "endpackage",
        "",
    ]
    return "\n".join(parts)


def _constants(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Fields of a configuration with their types and values; those inside others have both names."""
    for name, value in config.items():
        match value:
            case Mapping():
                yield from _constants(value, f"{prefix}{name}_")
            case bool():
                yield f"{prefix}{name}", "bit", f"1'b{value:d}"
            case int() if -(1 << 31) <= value < 1 << 31:
                yield f"{prefix}{name}", "int", str(value)
            case int() if -(1 << 63) < value < 1 << 63:
                yield f"{prefix}{name}", "longint", f"{'-' * (value < 0)}64'sd{abs(value)}"
            case str() if re.fullmatch(r"[\w .,:+-]*", value, re.ASCII):
                yield f"{prefix}{name}", "string", f'"{value}"'


class _Types:
    """Type definitions, those of parts first, whose names are put together with `joint`."""

    def __init__(self, joint: str = "_") -> None:
        self._joint = joint
        self.lines: list[str] = []
        self.names: list[str] = []

    def add(self, name: str, shape: Mapping[str, Any], users: str) -> None:
        """Define the type of a payload, its width, and the function that packs it."""
        parts = self._define(name, shape)
        self.lines[parts:parts] = ["", f"  // {users}"]
        self.lines.append(f"  localparam int {identifier(f'{name.upper()}_BITS')} = {shape['width']};")
        if shape["kind"] == "struct":
            fields = [(identifier(field), self._reference(name, field, inner)) for field, inner in _fields(shape)]
            arguments = [f"input {reference} {field}" for field, reference in fields]
            self._function(name, arguments, [f"{field}: {field}" for field, _ in fields])
        elif shape["kind"] == "array":
            element = self._element(name, shape["element"])
            self._function(name, [f"input {element} elements[{shape['length']}]"], shape["length"])

    def _function(self, name: str, arguments: list[str], values: list[str] | int) -> None:
        """Define what packs a payload of fields, or of so many elements."""
        function = identifier(f"pack_{name}")
        listed = ",\n".join(f"      {argument}" for argument in arguments)
        if isinstance(values, int):
            body = [f"    for (int i = 0; i < {values}; i++) {function}[i] = elements[i];"]
        else:
            body = ["    return '{", ",\n".join(f"      {value}" for value in values), "    };"]
        self.lines += [
            f"  function automatic {identifier(f'{name}_t')} {function}(", listed, "  );", *body, "  endfunction"
        ]  # fmt: skip

    def _define(self, name: str, shape: Mapping[str, Any]) -> int:
        """Define a type after those of its parts; gives the line where they begin."""
        start = len(self.lines)
        type_name = identifier(f"{name}_t")
        self.names.append(type_name)
        if shape["kind"] == "struct":
            for field, inner in _fields(shape):
                if inner["kind"] in ("struct", "array"):
                    self._define(f"{name}{self._joint}{field}", inner)
            self.lines.append("  typedef struct packed {")
            for field, inner in reversed(_fields(shape)):  # the first one has the highest bits
                self.lines.append(f"    {self._reference(name, field, inner)} {identifier(field)};")
            self.lines.append(f"  }} {type_name};")
        elif shape["kind"] == "array":
            if shape["element"]["kind"] != "unsigned":
                self._define(f"{name}{self._joint}element", shape["element"])
            element = self._element(name, shape["element"])
            dimension = f"[{shape['length'] - 1}:0]"  # element 0 has the lowest bits
            kind, _, bits = element.partition(" ")
            self.lines.append(f"  typedef {kind} {dimension}{bits} {type_name};")
        else:
            self.lines.append(f"  typedef {self._reference(name, '', shape)} {type_name};")
        return start

    def _reference(self, name: str, part: str, shape: Mapping[str, Any]) -> str:
        """How a part is written inside another one: a number as it is, all else by a name."""
        if shape["kind"] in ("struct", "array"):
            return identifier(f"{name}{self._joint}{part}_t")
        bits = f" [{shape['width'] - 1}:0]" if shape["width"] > 1 else ""
        return f"logic{' signed' * (shape['kind'] == 'signed')}{bits}"

    def _element(self, name: str, shape: Mapping[str, Any]) -> str:
        """How an element is written: as a part, but by a name if it is signed, which an array would hide."""
        signed = shape["kind"] == "signed"
        return identifier(f"{name}{self._joint}element_t") if signed else self._reference(name, "element", shape)


def _fields(shape: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Fields that have bits, the lowest first."""
    fields = [(name, part["offset"], part["shape"]) for name, part in shape["fields"].items() if part["shape"]["width"]]
    fields.sort(key=lambda field: field[1])
    place = 0
    for name, offset, inner in fields:
        assert offset == place, f"field {name} begins at bit {offset}, not {place}"
        place += inner["width"]
    return [(name, inner) for name, _, inner in fields]
