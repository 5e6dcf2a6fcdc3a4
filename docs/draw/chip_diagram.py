"""Block diagram of the SNAP chip. Places are told by hand; parts, connections and numbers come from the design."""

from diagram import Box, Diagram, Line, draw_framed, module_name
from netlist import BORDER, Outline, opened

from tensorloom.hw.snap_chip.chip import SnapChip
from tensorloom.hw.snap_chip.config import OA_SLOTS, PRESETS, SnapChipConfig
from tensorloom.run.svg import Picture

__all__ = ["PRESET", "diagram", "draw"]

PRESET, ARRAY = "snap-chip", "cores"
"""What is drawn, and its part whose parts are drawn in a frame."""

WIDTH, HEIGHT = 1385, 790
FRAME = (250, 300, 560, 315)
CONTROL, DATA, MEMORY, CORE = "#eef1f5", "#e3edf9", "#e5f3e6", "#c1d7f2"


def draw() -> str:
    """Text of the picture."""
    outline = Outline(SnapChip(PRESETS[PRESET]))
    drawn = diagram(outline)
    picture = Picture(WIDTH, HEIGHT, f"Block diagram of {module_name(outline.parts[BORDER])}, preset {PRESET}")
    draw_framed(drawn, outline, picture, PRESET)
    layer = ", ".join(drawn.targets("o_layer"))
    picture.text(20, HEIGHT - 34, f"The settings of a layer go from command_fetch to {layer}.", kind="small")
    others = ", ".join(drawn.sources("registers"))
    picture.text(20, HEIGHT - 18, f"The registers also get errors and events from {others}.", kind="small")
    return str(picture)


def diagram(outline: Outline) -> Diagram:
    """What is drawn of a chip."""
    parts, links = opened(outline, ARRAY)
    return Diagram(parts, links, _boxes(outline.parts[BORDER].config), _lines(), (ARRAY, FRAME))


def _boxes(config: SnapChipConfig) -> dict[str, Box]:
    core, bus = config.core, config.bus
    burst = f"bursts of {bus.max_burst}, {bus.outstanding} at once"
    ring = f"{config.weight_rows} rows of {config.data_bits} bit"
    banks = f"{config.banks} banks of {config.bank_rows:,} x 128 bit"
    outputs = f"{OA_SLOTS} tiles of {config.banks} x {config.region_pixels} pixels"
    pes = f"{core.core_rows} x {core.core_columns} PEs of {core.pe_multipliers} multipliers"
    entries = f"{core.psum_slots} psum slots, {core.activation_entries} activation entries"
    return {
        "m_axi_read": Box(":m_axi_read", 20, 62),
        "s_axil": Box(":s_axil", 20, 452),
        "o_interrupt": Box(":o_interrupt", 4, 520),
        "m_axi_write": Box(":m_axi_write", 1255, 704),
        "reader": Box("reader", 250, 42, 190, 52, CONTROL, (burst,)),
        "arbiter": Box("arbiter", 100, 130, 1250, 36, CONTROL),
        "commands": Box("fetch", 100, 220, 120, 54, CONTROL, ("list of commands",)),
        "registers": Box("registers", 100, 440, 120, 66, CONTROL, ("AXI4-Lite", "counters, interrupt")),
        "input": Box("inputs", 650, 220, 150, 54, CONTROL, ("input and its table",)),
        "weights": Box(r"cores\.weights_\d+", 270, 320, 145, 66, MEMORY, ("ring and feeder", ring)),
        "blocks": Box(r"cores\.(sequencer|tokens|commands|weights)", 475, 320, 115, 66, CONTROL, ("to all parts",)),
        "activations": Box(r"cores\.buffer", 650, 320, 150, 66, MEMORY, ("activations, directory", banks)),
        "expanders": Box(r"cores\.(expander|copies)_\d+", 650, 455, 150, 66, DATA, ("one for each row",)),
        "cores": Box(r"cores\.core_\d+", 270, 455, 275, 140, CORE, (pes, entries)),
        "pooling": Box(r"pool_\d+", 900, 320, 120, 54, DATA, ("maximum",)),
        "scales": Box("scales", 1055, 220, 120, 54, CONTROL, ("biases, factors",)),
        "residual": Box("residuals", 1200, 220, 150, 54, CONTROL, ("residual and its table",)),
        "outputs": Box("outputs", 900, 455, 275, 66, MEMORY, ("requantizes the sums", outputs)),
        "compressor": Box("compressor", 900, 575, 450, 54, DATA, ("adds the residual, drops zero points",)),
        "writer": Box("writer", 900, 675, 275, 54, CONTROL, (f"output and its table, {burst}",)),
    }


def _lines() -> list[Line]:
    beat = ("o_beat",)
    events = ("o_done", "o_control", "o_list")
    return [
        Line("m_axi_read", "reader", [(95, 58), (250, 58)], (120, 74)),
        Line("reader", "arbiter", [(345, 94), (345, 130)], (355, 108)),
        Line("arbiter", "commands", [(160, 166), (160, 220)], (168, 186), beat),
        Line("arbiter", "weights", [(342, 166), (342, 320)], (350, 240), beat),
        Line("arbiter", "input", [(725, 166), (725, 220)], (733, 186), beat),
        Line("arbiter", "scales", [(1115, 166), (1115, 220)], (1123, 186), beat),
        Line("arbiter", "residual", [(1260, 166), (1260, 220)], (1268, 186), beat),
        Line("s_axil", "registers", [(20, 460), (100, 460)], (24, 476)),
        Line("registers", "o_interrupt", [(100, 490), (20, 490)], (4, 534), ("o_interrupt",)),
        Line("commands", "registers", [(160, 274), (160, 440)], (168, 385), events),
        Line("commands", "weights", [(220, 262), (235, 262), (235, 350), (270, 350)], (241, 292)),
        Line("input", "activations", [(725, 274), (725, 320)], (733, 292)),
        Line("blocks", "weights", [(475, 350), (415, 350)], (421, 342)),
        Line("blocks", "activations", [(590, 350), (650, 350)], (596, 342)),
        Line("blocks", "cores", [(510, 386), (510, 455)], (518, 424)),
        Line("weights", "cores", [(342, 386), (342, 455)], (350, 424)),
        Line("activations", "expanders", [(725, 386), (725, 455)], (733, 424)),
        Line("expanders", "cores", [(650, 489), (545, 489)], (556, 481)),
        Line("activations", "pooling", [(800, 350), (900, 350)], (812, 342)),
        Line("pooling", "outputs", [(960, 374), (960, 455)], (968, 424)),
        Line("scales", "outputs", [(1115, 274), (1115, 455)], (1123, 424)),
        Line("residual", "compressor", [(1260, 274), (1260, 575)], (1268, 424)),
        Line("cores", "outputs", [(545, 560), (860, 560), (860, 500), (900, 500)], (560, 552)),
        Line("outputs", "compressor", [(1035, 521), (1035, 575)], (1043, 552), ("o_data",)),
        Line("compressor", "writer", [(1035, 629), (1035, 675)], (1043, 656)),
        Line("writer", "m_axi_write", [(1175, 700), (1250, 700)], (1185, 716)),
    ]
