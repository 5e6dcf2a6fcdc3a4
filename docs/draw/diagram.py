"""Block diagrams: places are told by hand, parts and connections come from the elaborated design.

A box for something that isn't there, a part without a box, a line where nothing is connected, and a stream or a bus
without a line are errors.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from netlist import BORDER, Link, Outline

from tensorloom.run.svg import Picture

__all__ = ["Box", "Diagram", "Line", "draw_framed", "module_name"]

Points = Sequence[tuple[float, float]]
Framed = tuple[str, tuple[float, float, float, float]]


@dataclasses.dataclass(frozen=True)
class Box:
    """A place for parts whose names match a regular expression; or for a port of the whole, ``:NAME``.

    Attributes
    ----------
    pattern
        Of the names.
    x, y, width, height
        The place. A port has only its name there, to the right of it.
    fill
        Color.
    lines
        What is written below the names of the modules.
    """

    pattern: str
    x: float
    y: float
    width: float = 0
    height: float = 0
    fill: str = "#ffffff"
    lines: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Line:
    """A line between two boxes, for all that connects them.

    Attributes
    ----------
    start, end
        Names of the boxes.
    points
        Through which it goes. Its tips follow from the design.
    label
        Where the names and widths are written.
    wires
        Outputs that are shown although they are neither streams nor buses.
    """

    start: str
    end: str
    points: Points
    label: tuple[float, float]
    wires: tuple[str, ...] = ()


class Diagram:
    """What a design says of boxes and lines.

    Parameters
    ----------
    parts, links
        Of the design, as in an `Outline`.
    boxes, lines
        Boxes by name, and the lines between them.
    framed
        A part that was `opened`, and left, top, width and height of the frame in which its parts are drawn.

    Raises
    ------
    ValueError
        If they don't say the same.
    """

    def __init__(
        self,
        parts: Mapping[str, Any],
        links: Iterable[Link],
        boxes: Mapping[str, Box],
        lines: Sequence[Line],
        framed: Framed | None = None,
    ) -> None:
        self.boxes, self.lines, self.links, self.framed = boxes, lines, list(links), framed
        if framed:
            _check_frame(boxes, *framed)
        ports = {f":{name}" for link in self.links for name in _border_ports(link)}
        self._modules: dict[str, Counter[str]] = {name: Counter() for name in boxes}
        self._places: dict[str, str] = {}
        for part in [*(name for name in parts if name != BORDER), *sorted(ports)]:
            places = [name for name, box in boxes.items() if re.fullmatch(box.pattern, part)]
            if len(places) != 1:
                raise ValueError(f"{part} must be in one box, not in {places}")
            self._places[part] = places[0]
            self._modules[places[0]][part if part in ports else module_name(parts[part])] += 1
        empty = [name for name, modules in self._modules.items() if not modules]
        if empty:
            raise ValueError(f"boxes must have parts of the design in them: {empty}")
        for link in self.links:
            pair = self._ends(link)
            drawn = any({line.start, line.end} == set(pair) for line in lines)
            if link.kind != "wires" and pair[0] != pair[1] and not drawn:
                raise ValueError(f"{link} must have a line")

    def _ends(self, link: Link) -> tuple[str, str]:
        source = link.source or f":{link.output}"
        return self._places[source], self._places[link.target or f":{link.input}"]

    def shown(self, line: Line) -> tuple[list[Link], list[Link]]:
        """What a line stands for: from its start to its end, and back."""
        between = [link for link in self.links if link.kind != "wires" or link.output in line.wires]
        there = [link for link in between if self._ends(link) == (line.start, line.end)]
        back = [link for link in between if self._ends(link) == (line.end, line.start)]
        missing = set(line.wires) - {link.output for link in there + back}
        if not there + back or missing:
            raise ValueError(f"nothing in the design connects {line.start} and {line.end} {sorted(missing)}")
        return there, back

    def targets(self, output: str) -> list[str]:
        """Modules that an output goes to."""
        return self._names({self._ends(link)[1] for link in self.links if link.output == output})

    def sources(self, name: str) -> list[str]:
        """Modules from which something goes to a box that no line shows."""
        drawn = [{line.start, line.end} for line in self.lines]
        ends = {self._ends(link)[0] for link in self.links if self._ends(link)[1] == name}
        return self._names({other for other in ends - {name} if {other, name} not in drawn})

    def _names(self, boxes: set[str]) -> list[str]:
        """Modules in boxes, but for ports, in the order of the boxes."""
        modules = [module for name in self.boxes if name in boxes for module in self._modules[name]]
        return [module for module in dict.fromkeys(modules) if not module.startswith(":")]

    def title(self, name: str) -> list[str]:
        """``snap_core x 4``: modules in a box."""
        return [module if count == 1 else f"{module} x {count}" for module, count in self._modules[name].items()]

    def draw(self, picture: Picture) -> None:
        """Draw all of it but the frame."""
        for name, box in self.boxes.items():
            if box.width:
                picture.box(box.x, box.y, box.width, box.height, fill=box.fill)
                first, *more = self.title(name)
                picture.text(box.x + 10, box.y + 19, first, kind="name")
                for index, text in enumerate([*more, *box.lines]):
                    picture.text(box.x + 10, box.y + 35 + 14 * index, text, kind="small")
            else:
                picture.text(box.x, box.y, name, kind="name")
        for line in self.lines:
            there, back = self.shown(line)
            points = list(line.points) if there else list(reversed(line.points))
            picture.line(points, width=2, tips="both" if there and back else "end")
            for index, text in enumerate(_labels(there) + _labels(back)):
                picture.text(line.label[0], line.label[1] + 13 * index, text, kind="small")


def draw_framed(drawn: Diagram, outline: Outline, picture: Picture, preset: str) -> None:
    """Draw a diagram with its frame and what it is of: the border's module, of a preset."""
    assert drawn.framed
    name, (left, top, width, height) = drawn.framed
    whole, part = (module_name(outline.parts[one]) for one in (BORDER, name))
    picture.text(20, 28, f"{whole}, preset {preset}", kind="title")
    picture.box(left, top, width, height, fill="#f6f9fc")
    picture.text(left + width - 12, top + height - 12, part, kind="name", anchor="end")
    drawn.draw(picture)


def _check_frame(boxes: Mapping[str, Box], part: str, frame: tuple[float, float, float, float]) -> None:
    left, top, width, height = frame
    for name, box in boxes.items():
        framed = left < box.x < left + width and top < box.y < top + height
        if framed != box.pattern.startswith(part):
            raise ValueError(f"{name} must be inside the frame if it is inside {part}")


def _border_ports(link: Link) -> list[str]:
    return [name for part, name in ((link.source, link.output), (link.target, link.input)) if part == BORDER]


def module_name(component: Any) -> str:
    """What its module is called in Verilog, but for numbers at the end."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(component).__name__).lower()


def _labels(links: list[Link]) -> list[str]:
    """``sums: 28 x 52 bit``: what a line carries one way; nothing for buses whose names are at the border."""
    inner = [link for link in links if link.kind != "bus" or BORDER not in (link.source, link.target)]
    outputs = dict.fromkeys((link.source, link.output, link.bits) for link in inner)
    streams = Counter((re.sub(r"^[io]_|_?\d+$|^o$", "", output), bits) for _, output, bits in outputs)
    return [
        (f"{name}: " if name else "") + (f"{bits} bit" if count == 1 else f"{count} x {bits} bit")
        for (name, bits), count in streams.items()
    ]
