"""Block diagram of the TPU. Places are told by hand; parts, connections and numbers come from the design."""

from diagram import Box, Diagram, Line, draw_framed, module_name
from netlist import BORDER, Outline, opened

from tensorloom.hw.tpu.config import PRESETS, TpuConfig
from tensorloom.hw.tpu.tpu import Tpu
from tensorloom.run.svg import Picture

__all__ = ["PRESET", "diagram", "draw"]

PRESET, CORE = "tpu-v1", "core"
"""What is drawn, and its part whose parts are drawn in a frame."""

WIDTH, HEIGHT = 1665, 770
FRAME = (345, 50, 1010, 700)
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
    lanes = f"tables; {matrix.columns // 4} lanes"
    return {
        "s_axil": Box(":s_axil", 20, 82),
        "o_interrupt": Box(":o_interrupt", 4, 142),
        "m_host_read": Box(":m_host_read", 20, 612),
        "m_host_write": Box(":m_host_write", 20, 694),
        "m_weights": Box(":m_weights", 1590, 721),
        "registers": Box("registers", 110, 70, 140, 66, CONTROL, ("AXI4-Lite", "counters, interrupt")),
        "fetch": Box("fetch", 110, 190, 140, 54, CONTROL, ("instructions",)),
        "host_beats": Box(r"host_\d+", 110, 370, 140, 54, CONTROL, (f"{config.host_buffer_bytes:,} bytes of data",)),
        "host_arbiter": Box("host_arbiter", 110, 490, 140, 36, CONTROL),
        "host_reader": Box("host_reader", 110, 590, 140, 54, CONTROL, (burst,)),
        "writer": Box("writer", 110, 672, 140, 54, CONTROL, (burst,)),
        "decoder": Box(r"core\.decoder", 365, 70, 150, 110, CONTROL, ("checks instructions", "in their order")),
        "scoreboard": Box(
            r"core\.scoreboard", 660, 70, 675, 110, CONTROL,
            ("a queue for each unit", "an instruction waits for older ones that touch the same rows of the buffer"),
        ),
        "host_in": Box(r"core\.host_in", 365, 370, 130, 54, CONTROL, ("rows of beats",)),
        "host_out": Box(r"core\.host_out", 365, 672, 130, 54, CONTROL, ("beats of rows",)),
        "buffer": Box(r"core\.unified_buffer", 640, 450, 165, 276, MEMORY, banks),
        "feeder": Box(r"core\.feeder", 640, 300, 165, 54, CONTROL, ("rows and commands",)),
        "matrix": Box(r"core\.matrix_unit", 925, 286, 170, 82, ARRAY, array),
        "activation": Box(
            r"core\.activation_unit", 925, 520, 170, 66, DATA, (f"{matrix.columns} lanes: bias,", "factor, limits")
        ),
        "vector": Box(r"core\.vector_unit", 925, 650, 170, 66, DATA, ("pools, sums, products,", lanes)),
        "weights": Box(r"core\.weight_unit", 1235, 300, 110, 54, CONTROL, ("whole tiles",)),
        "parameters": Box(r"core\.parameter_unit", 1235, 520, 110, 54, CONTROL, ("biases, factors",)),
        "weight_beats": Box(
            r"weights_\d+", 1450, 300, 130, 274, CONTROL, (f"{config.weight_buffer_bytes:,} bytes", "of weights")
        ),
        "weight_arbiter": Box("weights_arbiter", 1450, 614, 130, 36, CONTROL),
        "weight_reader": Box("weights_reader", 1450, 700, 130, 54, CONTROL, (burst,)),
    }  # fmt: skip


def _lines() -> list[Line]:
    beat = ("o_beat",)
    return [
        Line("s_axil", "registers", [(20, 88), (110, 88)], (24, 104)),
        Line("registers", "o_interrupt", [(110, 126), (20, 126)], (4, 155), ("o_interrupt",)),
        Line("m_host_read", "host_reader", [(20, 618), (110, 618)], (24, 634)),
        Line("writer", "m_host_write", [(110, 700), (20, 700)], (24, 716)),
        Line("m_weights", "weight_reader", [(1655, 727), (1580, 727)], (1590, 743)),
        Line("registers", "fetch", [(180, 136), (180, 190)], (188, 160), ("o_program", "o_program_size")),
        Line("host_reader", "host_arbiter", [(180, 590), (180, 526)], (188, 554)),
        Line("host_arbiter", "host_beats", [(180, 490), (180, 424)], (188, 454), beat),
        Line("host_beats", "fetch", [(180, 370), (180, 244)], (188, 302)),
        Line("host_beats", "host_in", [(250, 397), (365, 397)], (258, 413)),
        Line("host_out", "writer", [(365, 700), (250, 700)], (258, 716)),
        Line("fetch", "decoder", [(250, 217), (440, 217), (440, 180)], (448, 205)),
        Line("decoder", "scoreboard", [(515, 95), (660, 95)], (524, 112)),
        Line("scoreboard", "host_in", [(680, 180), (680, 235), (430, 235), (430, 370)], (438, 255)),
        Line("scoreboard", "host_out", [(700, 180), (700, 255), (555, 255), (555, 690), (495, 690)], (563, 275)),
        Line("scoreboard", "feeder", [(722, 180), (722, 300)], (730, 276)),
        Line("scoreboard", "activation", [(1112, 180), (1112, 540), (1095, 540)], (1119, 200)),
        Line("scoreboard", "vector", [(1145, 180), (1145, 670), (1095, 670)], (1152, 216)),
        Line("scoreboard", "parameters", [(1222, 180), (1222, 500), (1290, 500), (1290, 520)], (1230, 490)),
        Line("scoreboard", "weights", [(1245, 180), (1245, 300)], (1253, 276)),
        Line("host_in", "buffer", [(430, 424), (430, 490), (640, 490)], (438, 482)),
        Line("buffer", "host_out", [(640, 715), (495, 715)], (503, 731), ("o_row", "o_fetch")),
        Line("buffer", "feeder", [(722, 450), (722, 354)], (730, 395), ("o_window",)),
        Line("feeder", "matrix", [(805, 327), (925, 327)], (811, 343)),
        Line("matrix", "activation", [(1010, 368), (1010, 520)], (1018, 445)),
        Line("activation", "buffer", [(925, 553), (805, 553)], (813, 545)),
        Line("vector", "buffer", [(925, 666), (805, 666)], (813, 658), ("o_store",)),
        Line("buffer", "vector", [(805, 700), (925, 700)], (813, 716), ("o_row", "o_fetch")),
        Line("weights", "matrix", [(1235, 327), (1095, 327)], (1120, 343)),
        Line("parameters", "activation", [(1235, 560), (1095, 560)], (1120, 576)),
        Line("weight_beats", "weights", [(1450, 327), (1345, 327)], (1361, 343)),
        Line("weight_beats", "parameters", [(1450, 547), (1345, 547)], (1361, 563)),
        Line("weight_arbiter", "weight_beats", [(1515, 614), (1515, 574)], (1523, 592), beat),
        Line("weight_reader", "weight_arbiter", [(1515, 700), (1515, 650)], (1523, 673)),
    ]
