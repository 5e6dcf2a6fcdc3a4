"""Block diagram of the TPU. Places are told by hand; parts, connections and numbers come from the design."""

from diagram import Box, Diagram, Line, draw_framed, module_name
from netlist import BORDER, Outline, opened

from tensorloom.hw.tpu.config import PRESETS, TpuConfig
from tensorloom.hw.tpu.tpu import Tpu
from tensorloom.run.svg import Picture

__all__ = ["PRESET", "diagram", "draw"]

PRESET, CORE = "tpu-v1", "core"
"""What is drawn, and its part whose parts are drawn in a frame."""

WIDTH, HEIGHT = 1560, 770
FRAME = (345, 50, 975, 700)
CONTROL, DATA, MEMORY, ARRAY = "#eef1f5", "#e3edf9", "#e5f3e6", "#c1d7f2"


def draw() -> str:
    """Text of the picture."""
    outline = Outline(Tpu(PRESETS[PRESET]))
    picture = Picture(WIDTH, HEIGHT, f"Block diagram of {module_name(outline.parts[BORDER])}, preset {PRESET}")
    draw_framed(diagram(outline), outline, picture, PRESET)
    return str(picture)


def diagram(outline: Outline) -> Diagram:
    """What is drawn of a TPU."""
    parts, links = opened(outline, CORE)
    return Diagram(parts, links, _boxes(outline.parts[BORDER].config), _lines(), (CORE, FRAME))


def _boxes(config: TpuConfig) -> dict[str, Box]:
    matrix, bus = config.matrix, config.bus
    burst = f"bursts of {bus.max_burst}"
    banks = f"{config.ub_banks} banks of {config.ub_rows // config.ub_banks:,}", f"rows of {config.row_bytes} bytes"
    array = (
        f"{matrix.rows} x {matrix.columns} PEs", f"{matrix.accumulator_rows:,} rows of accumulators",
        f"{matrix.weight_fifo_tiles} weight tiles ahead",
    )  # fmt: skip
    return {
        "s_axil": Box(":s_axil", 20, 82),
        "o_interrupt": Box(":o_interrupt", 4, 142),
        "m_host_read": Box(":m_host_read", 20, 612),
        "m_host_write": Box(":m_host_write", 20, 694),
        "m_weights": Box(":m_weights", 1488, 682),
        "registers": Box("registers", 120, 70, 150, 66, CONTROL, ("AXI4-Lite", "counters, interrupt")),
        "fetch": Box("fetch", 120, 190, 150, 54, CONTROL, ("instructions",)),
        "host_beats": Box(r"host_\d+", 120, 370, 150, 54, CONTROL, (f"{config.host_buffer_bytes:,} bytes of data",)),
        "host_arbiter": Box("host_arbiter", 120, 490, 150, 36, CONTROL),
        "host_reader": Box("host_reader", 120, 590, 150, 54, CONTROL, (burst,)),
        "writer": Box("writer", 120, 672, 150, 54, CONTROL, (burst,)),
        "decoder": Box(r"core\.decoder", 365, 70, 150, 110, CONTROL, ("checks instructions", "in their order")),
        "scoreboard": Box(
            r"core\.scoreboard", 660, 70, 640, 110, CONTROL,
            ("a queue for each unit", "what waits for older instructions that touch the same rows"),
        ),
        "host_in": Box(r"core\.host_in", 365, 370, 130, 54, CONTROL, ("rows of beats",)),
        "host_out": Box(r"core\.host_out", 365, 672, 130, 54, CONTROL, ("beats of rows",)),
        "buffer": Box(r"core\.unified_buffer", 640, 450, 165, 276, MEMORY, banks),
        "feeder": Box(r"core\.feeder", 640, 300, 165, 54, CONTROL, ("rows and commands",)),
        "matrix": Box(r"core\.matrix_unit", 900, 290, 170, 82, ARRAY, array),
        "activation": Box(
            r"core\.activation_unit", 900, 520, 170, 66, DATA, (f"{matrix.columns} lanes: bias,", "factor, limits")
        ),
        "weights": Box(r"core\.weight_unit", 1180, 300, 125, 54, CONTROL, ("whole tiles",)),
        "parameters": Box(r"core\.parameter_unit", 1180, 520, 125, 54, CONTROL, ("biases, factors",)),
        "weight_beats": Box(
            r"weights_\d+", 1405, 300, 135, 274, CONTROL, (f"{config.weight_buffer_bytes:,} bytes", "of weights")
        ),
        "weight_arbiter": Box("weights_arbiter", 1405, 610, 135, 36, CONTROL),
        "weight_reader": Box("weights_reader", 1405, 700, 135, 54, CONTROL, (burst,)),
    }  # fmt: skip


def _lines() -> list[Line]:
    beat = ("o_beat",)
    return [
        Line("s_axil", "registers", [(20, 88), (120, 88)], (24, 104)),
        Line("registers", "o_interrupt", [(120, 126), (20, 126)], (4, 155), ("o_interrupt",)),
        Line("m_host_read", "host_reader", [(20, 618), (120, 618)], (24, 634)),
        Line("writer", "m_host_write", [(120, 700), (20, 700)], (24, 716)),
        Line("host_reader", "host_arbiter", [(195, 590), (195, 526)], (203, 550)),
        Line("host_arbiter", "host_beats", [(195, 490), (195, 424)], (203, 446), beat),
        Line("host_beats", "fetch", [(195, 370), (195, 244)], (203, 300)),
        Line("host_beats", "host_in", [(270, 397), (365, 397)], (276, 413)),
        Line("host_out", "writer", [(365, 700), (270, 700)], (276, 716)),
        Line("registers", "fetch", [(195, 136), (195, 190)], (203, 160), ("o_program", "o_program_size")),
        Line("fetch", "decoder", [(270, 217), (310, 217), (310, 125), (365, 125)], (272, 260)),
        Line("decoder", "scoreboard", [(515, 125), (660, 125)], (524, 60)),
        Line("scoreboard", "host_in", [(680, 180), (680, 230), (430, 230), (430, 370)], (438, 250)),
        Line("scoreboard", "host_out", [(700, 180), (700, 250), (555, 250), (555, 690), (495, 690)], (563, 270)),
        Line("scoreboard", "feeder", [(722, 180), (722, 300)], (730, 276)),
        Line("scoreboard", "activation", [(1095, 180), (1095, 540), (1070, 540)], (1102, 200)),
        Line("scoreboard", "weights", [(1242, 180), (1242, 300)], (1250, 276)),
        Line("scoreboard", "parameters", [(1160, 180), (1160, 505), (1242, 505), (1242, 520)], (1168, 494)),
        Line("host_in", "buffer", [(430, 424), (430, 490), (640, 490)], (438, 482)),
        Line("buffer", "host_out", [(640, 715), (495, 715)], (503, 731), ("o_row", "o_fetch")),
        Line("buffer", "feeder", [(722, 450), (722, 354)], (730, 390), ("o_window",)),
        Line("feeder", "matrix", [(805, 327), (900, 327)], (811, 319)),
        Line("matrix", "activation", [(985, 372), (985, 520)], (993, 440)),
        Line("activation", "buffer", [(900, 553), (805, 553)], (811, 545)),
        Line("weights", "matrix", [(1180, 327), (1070, 327)], (1082, 343)),
        Line("parameters", "activation", [(1180, 560), (1070, 560)], (1080, 576)),
        Line("weight_beats", "weights", [(1405, 327), (1305, 327)], (1312, 343)),
        Line("weight_beats", "parameters", [(1405, 547), (1305, 547)], (1312, 563)),
        Line("weight_arbiter", "weight_beats", [(1472, 610), (1472, 574)], (1480, 590), beat),
        Line("weight_reader", "weight_arbiter", [(1472, 700), (1472, 646)], (1480, 664)),
        Line("m_weights", "weight_reader", [(1560, 727), (1540, 727)], (1545, 745)),
    ]
