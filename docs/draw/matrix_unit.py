"""Block diagram of the matrix unit. Places are drawn by hand; names and numbers come from the emitted design."""

from typing import Any

from tensorloom.run.emission import emit_design
from tensorloom.run.registry import find_preset
from tensorloom.run.svg import Picture

__all__ = ["draw"]

PRESET = "systolic-256"

LEFT, LEFT_WIDTH = 190, 180
MIDDLE, MIDDLE_WIDTH = 510, 310
RIGHT = 1000
CONTROL, DATA, MEMORY = "#eef1f5", "#e3edf9", "#e5f3e6"


class Design:
    """What the picture says of an emitted matrix unit.

    Parameters
    ----------
    preset
        Its name.
    """

    def __init__(self, preset: str) -> None:
        design = find_preset(preset)
        if design is None:
            raise ValueError(f"preset must be one of the systolic presets, not {preset!r}")
        self.preset, self.config = preset, design.config
        emission = emit_design(design)
        self.manifest, self._verilog = emission.manifest, "".join(emission.verilog.values())
        self.top = emission.top

    def part(self, name: str) -> str:
        """The name of a submodule that is emitted once, under the top's name."""
        if f"module {self.top}_{name}(" not in self._verilog:
            raise ValueError(f"{self.top} must have a submodule {name}")
        return name

    def shared(self, kind: str, *config: Any) -> list[dict[str, Any]]:
        """Modules of a class whose configuration begins with these values."""
        found = [
            module
            for module in self.manifest["modules"]
            if module["class"] == kind and (not config or module["config"][: len(config)] == list(config))
        ]
        if not found:
            raise ValueError(f"{self.top} must have a module of the class {kind} with {config}")
        return found

    def times(self, kind: str, *config: Any) -> str:
        """``tile x 256``: a module and its instances in the whole design."""
        (module,) = self.shared(kind, *config)
        return f"{module['name']} x {module['instances']:,}"

    def stream(self, name: str) -> str:
        """``i_weights: 256 x 8 = 2048 bit``."""
        (stream,) = [stream for stream in self.manifest["streams"] if stream["name"] == name]
        payload = stream["payload"]
        if payload["kind"] == "array":
            return f"{payload['length']} x {payload['element']['width']} = {stream['width']:,} bit"
        return f"{len(payload['fields'])} fields, {stream['width']} bit"


def draw() -> str:
    """Text of the picture."""
    design = Design(PRESET)
    picture = Picture(RIGHT, 625, f"Block diagram of {design.top}, preset {design.preset}")
    picture.text(20, 30, f"{design.top}, preset {design.preset}", kind="title")
    _boxes(picture, design)
    _streams(picture, design)
    _wires(picture, design)
    modules = design.manifest["modules"]
    instances = sum(module["instances"] for module in modules)
    note = f"{len(modules)} shared modules, {instances:,} instances. x: instances in the whole design."
    picture.text(20, 610, note, kind="small")
    return str(picture)


def _block(picture: Picture, x: float, y: float, width: float, height: float, fill: str, *lines: str) -> None:
    """A box with its name and further lines."""
    picture.box(x, y, width, height, fill=fill)
    for index, line in enumerate(lines):
        picture.text(x + 12, y + 21 + 16 * index, line, kind="small" if index else "name")


def _boxes(picture: Picture, design: Design) -> None:
    config = design.config
    (down, across), (tall, wide) = config.tile_grid, config.block_tiles
    plane_bus, psum_bus = config.tile_rows * config.data_bits, config.tile_columns * config.psum_bits
    activation_delays = f"delay_line, {len(design.shared('DelayLine', plane_bus))} lengths"
    fifo_rows = config.weight_fifo_tiles * config.rows
    fifo_ram = design.times("Ram", config.tile_columns * config.data_bits, fifo_rows, 1)
    (landing,) = [module for module in design.shared("DelayLine") if module["config"][1] == config.flight_cycles]

    _block(
        picture, LEFT, 45, LEFT_WIDTH, 60, CONTROL, design.part("weight_loader"), "next tile into the shadow", "weights"
    )
    _block(
        picture, MIDDLE, 45, MIDDLE_WIDTH, 60, MEMORY,
        design.part("weight_fifo"),
        f"{config.weight_fifo_tiles} tiles of {config.rows} x {config.columns} bytes",
        f"{fifo_ram}, each {fifo_rows} rows",
    )  # fmt: skip
    _block(
        picture, MIDDLE, 140, MIDDLE_WIDTH, 44, DATA,
        "weight skew",
        f"{design.times('Triangle', config.tile_columns, config.data_bits, False)}, {activation_delays}",
    )  # fmt: skip
    _block(
        picture, LEFT, 220, LEFT_WIDTH, 175, DATA,
        "left edge",
        design.times("LeftEdge"),
        activation_delays,
        "skew, sign extension,",
        "control beside the data",
    )  # fmt: skip

    _block(
        picture, MIDDLE, 220, MIDDLE_WIDTH, 175, DATA,
        design.part("mesh"), f"{config.rows} x {config.columns} PEs, psums of {config.psum_bits} bit",
    )  # fmt: skip
    picture.box(MIDDLE + 20, 268, MIDDLE_WIDTH - 40, 115, fill="#d3e3f6")
    picture.text(MIDDLE + 32, 285, f"{design.times('Block')}: {tall} x {wide} tiles each", kind="small")
    picture.box(MIDDLE + 40, 294, MIDDLE_WIDTH - 80, 79, fill="#c1d7f2")
    size = f"{config.tile_rows} x {config.tile_columns}"
    picture.text(MIDDLE + 52, 311, f"{design.times('Tile')}: {size} PEs each", kind="small")
    picture.box(MIDDLE + 60, 320, MIDDLE_WIDTH - 120, 43, fill="#afcbee")
    picture.text(MIDDLE + 72, 338, design.times("PE"), kind="small")
    picture.text(MIDDLE + 72, 353, "multiplier, two weight registers", kind="small")
    if design.shared("Tile")[0]["instances"] != down * across:
        raise ValueError("the mesh must have a tile at each place of its grid")

    _block(
        picture, MIDDLE, 430, MIDDLE_WIDTH, 44, DATA,
        "psum de-skew",
        f"{design.times('Triangle', config.tile_columns, config.psum_bits, True)}, "
        f"delay_line, {len(design.shared('DelayLine', psum_bus))} lengths",
    )  # fmt: skip
    _block(
        picture, MIDDLE, 510, MIDDLE_WIDTH, 76, MEMORY,
        design.part("accumulators"),
        f"{config.accumulator_rows} rows of {config.columns} x {config.accumulator_bits} bit",
        f"{design.times('AccumulatorColumn')}, "
        f"{design.times('Ram', config.tile_columns * config.accumulator_bits, config.half_rows, 1)}",
        f"{design.part('accumulators_drain').removeprefix('accumulators_')}: queue of {config.drain_queue} commands",
    )  # fmt: skip
    _block(
        picture, LEFT, 510, LEFT_WIDTH, 76, CONTROL,
        design.part("sequencer"), "one activation row a cycle,", "no bubble between commands",
    )  # fmt: skip
    picture.text(LEFT + LEFT_WIDTH + 12, 566, f"{landing['name']}:", kind="small")
    picture.text(LEFT + LEFT_WIDTH + 12, 580, f"{landing['config'][1]} cycles", kind="small")


def _streams(picture: Picture, design: Design) -> None:
    for name, y in (("i_activations", 300), ("i_commands", 545)):
        picture.line([(20, y), (LEFT, y)], tips="end", width=2)
        picture.text(22, y - 9, name, kind="name")
        picture.text(22, y + 18, design.stream(name), kind="small")
    right = MIDDLE + MIDDLE_WIDTH
    picture.line([(RIGHT - 20, 72), (right, 72)], tips="end", width=2)
    picture.line([(right, 545), (RIGHT - 20, 545)], tips="end", width=2)
    for name, y in (("i_weights", 72), ("o_sums", 545)):
        picture.text(right + 24, y - 9, name, kind="name")
        picture.text(right + 24, y + 18, design.stream(name), kind="small")
    widths = {port["name"]: port["width"] for port in design.manifest["ports"]}
    for index, name in enumerate(("o_counters", "o_error")):
        picture.text(right + 24, 290 + 32 * index, name, kind="name")
        picture.text(right + 24, 304 + 32 * index, f"{widths[name]} bit", kind="small")


def _wires(picture: Picture, design: Design) -> None:
    config = design.config
    centre, side = MIDDLE + MIDDLE_WIDTH / 2, LEFT + LEFT_WIDTH
    for start, end, label in (
        (105, 140, f"{config.columns} x {config.data_bits} bit"),
        (184, 220, f"{config.columns} x {config.data_bits} bit"),
        (395, 430, f"{config.columns} x {config.psum_bits} bit"),
        (474, 510, f"{config.columns} x {config.psum_bits} bit"),
    ):
        picture.line([(centre, start), (centre, end)], tips="end", width=2)
        picture.text(centre + 10, (start + end) / 2 + 4, label, kind="small")
    picture.line([(side, 290), (MIDDLE, 290)], tips="end", width=2)
    picture.text(side + 12, 281, f"{config.rows} x {config.operand_bits} bit", kind="small")
    picture.line([(side, 330), (MIDDLE, 330)], tips="end")
    picture.text(side + 12, 323, "swap, sign, load", kind="small")
    picture.line([(side, 72), (MIDDLE, 72)], tips="end")
    picture.text(side + 12, 64, "start, read", kind="small")
    middle = LEFT + LEFT_WIDTH / 2
    picture.line([(middle, 105), (middle, 220)], tips="end")
    picture.text(middle + 8, 165, "load", kind="small")
    picture.line([(middle, 510), (middle, 395)], tips="end")
    picture.text(middle + 8, 456, "swap, signs", kind="small")
    picture.line([(side, 545), (MIDDLE, 545)], tips="end")
    picture.text(side + 12, 537, "address, mode", kind="small")
