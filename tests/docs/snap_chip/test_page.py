"""The page of the SNAP chip says what the design says."""

import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tensorloom.hw.emit.ports import port_names
from tensorloom.hw.snap_chip.chip import SnapChip
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.hw.snap_chip.register_map import REGISTERS
from tensorloom.run.mutation.records import is_stale, read_records
from tensorloom.run.snap_chip.bottlenecks import RECORDS

from ..driver import drive, written
from ..pages import PAGES, ROOT, blocks, table

PAGE = PAGES["docs/snap_chip.md"]
DRAW = ROOT / "docs/draw"

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(DRAW))
    FOUND = runpy.run_path(str(DRAW / "chip_tables.py"))

TABLES = FOUND["chip_tables"]()


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_the_design(name: str) -> None:
    assert table(name) == [[cell.replace("`", "") for cell in row] for row in TABLES[name]], "run scripts/pictures"


def test_what_was_run_is_as_recorded() -> None:
    """And the page says so if it was an earlier design, which takes long to find out: so one test asks."""
    records = read_records(RECORDS)
    rows = FOUND["bottleneck_tables"](records, stale(records))["chip-bottlenecks"]
    assert table("chip-bottlenecks") == [[cell.replace("`", "") for cell in row] for row in rows], (
        "run scripts/pictures"
    )
    for name, rows in FOUND["network_tables"](frames(), stale(frames())).items():
        assert table(name) == [[cell.replace("`", "") for cell in row] for row in rows], "run scripts/pictures"


def test_bottlenecks_of_an_earlier_design() -> None:
    shares = {"compute": 0.8, "lists": 0.05, "weights": 0.04, "activations": 0.03, "memory": 0.02, "psums": 0.01}
    block = {"name": "resnet50/res2b", "layers": ["9x9x9,1x1,3", "9x9x3,3x3,3"], "cycles": 12345, "utilisation": 0.8176}
    block |= {"where_cycles_went": shares | {"begin": 0.05}, "bit_exact": True, "equals_cycle_model": False}
    record = {"design": "snap-chip", "blocks": [block | {"seconds": 1234.5}]}
    cells = ["`snap-chip`", "res2b", "9x9x9,1x1,3", "12,345", "0.818"]
    cells += ["80.0%", "5.0%", "4.0%", "3.0%", "2.0%", "1.0%", "5.0%", "yes", "no", "1,234"]
    rows = FOUND["bottleneck_tables"]([record, record], [True, False])
    assert rows == {"chip-bottlenecks": [[*cells, "an earlier design"], [*cells, "the present one"]]}


@cache
def digest_is_stale(design: str, digest: str) -> bool:
    """Asked once for each design, as it takes long."""
    return is_stale({"design": design, "digest": digest})


def stale(records: list[dict[str, Any]]) -> list[bool]:
    return [digest_is_stale(record["design"], record["digest"]) for record in records]


def frames() -> list[dict[str, Any]]:
    return [record for folder in sorted(RECORDS.iterdir()) for record in read_records(folder)]


def test_the_readme_has_the_frame_of_resnet_50() -> None:
    """If all of it ran on the Verilog."""
    found = [record for record in frames() if record["network"] == "resnet-50" and record["source"] == "rtl"]
    texts = [FOUND["network_text"](record) for record in found]
    figures = {row[0]: row[2] for row in table("engines")}
    (cell,) = [figure for name, figure in figures.items() if name.startswith("[snap-chip]")]
    assert "ResNet-50" not in cell if not found else cell in texts


def test_tables_of_networks() -> None:
    layer = {"name": "res2b_branch2c", "size": "56x56x64,3x3,64, padding 1", "cycles": 51_856, "utilisation": 0.7791}
    layer |= {"weight_bytes": 20_000, "input_bytes": 300_000, "residual_bytes": 0, "output_bytes": 4_400}
    layer |= {"bound_by": "compute", "where_cycles_went": {"compute": 0.781}, "speedup_over_dense": 3.987}
    unit = {"source": "rtl", "bit_exact": True, "equals_cycle_model": False, "speedup_over_channel_last": 1.2345}
    units = [
        unit | {"layers": [dict(layer), layer]},
        {"source": "model", "layers": [layer], "speedup_over_channel_last": None},
    ]
    record = {"design": "snap-chip", "network": "resnet-50", "cycles": 3_612_345, "utilisation": 0.8005, "units": units}
    record |= {"speedup_over_dense": 4.256, "simulated_cycles": 1_000, "simulated_seconds": 777.7}
    rows = FOUND["network_tables"]([record, record | {"network": "alexnet"}], [True, False])
    cells = ["3,612,345", "0.800", "4.26", "1 of 2", "1,000", "yes", "no", "778"]
    assert rows["chip-networks"] == [
        ["`snap-chip`", "resnet-50", *cells, "an earlier design"],
        ["`snap-chip`", "alexnet", *cells, "the present one"],
    ]
    line = ["res2b_branch2c", "56x56x64,3x3,64", "51,856", "0.779", "324", "compute 78%", "3.99"]
    assert rows["chip-network-layers"] == [[*line, ""], [*line, "1.23"], [*line, ""]]
    text = FOUND["network_text"](record)
    assert text.startswith("a frame of ResNet-50 in 3.61 M cycles") and text.endswith("4.3 times as fast as dense")


def test_fields() -> None:
    """Names, values, and the limits: the last value that is fine and the first that isn't."""
    config, rows = PRESETS["snap-chip"], table("chip-fields")
    expected = {name: str(value) for name, value in config.to_dict().items() if name != "core"}
    assert {row[0]: row[1] for row in rows} == expected
    for field, _, _, rule in rows:
        if field == "global_accumulator":
            assert rule == "true or false" and config.replace(global_accumulator=True).global_accumulator
            with pytest.raises(TypeError, match=f"{field} must be {rule}, not 2"):
                config.replace(global_accumulator=2)
            continue
        power = "power of two, " in rule
        low, high = map(int, rule.removeprefix("power of two, ").removesuffix(", see below").split(" to "))
        if field != "cores":
            for value in (low, high):
                assert getattr(config.replace(**{field: value}), field) == value
        for value in (low // 2 if power else low - 1, high * 2 if power else high + 1):
            with pytest.raises(ValueError, match=f"{field} must be "):
                config.replace(**{field: value})


def test_fields_of_a_core_in_a_chip() -> None:
    """What the text says of them."""
    config = PRESETS["snap-chip"]
    for field, value in (("core_rows", 4), ("core_rows", 1), ("data_bits", 8), ("psum_bits", 31), ("aim_entries", 64)):
        with pytest.raises(ValueError, match=f"core.{field} must be "):
            config.replace(**{f"core.{field}": value})
    for fields in ({"cores": 3}, {"cores": 2}, {"cores": 8}, {"core.core_columns": 5}):
        with pytest.raises(ValueError, match="cores must be "):
            config.replace(**fields)
    assert config.replace(**{"core.aim_entries": 16, "core.beat_entries": 4, "cores": 2}).core_kernels == 8


def test_ports_are_those_of_the_component() -> None:
    """By name, and of the widths that the table says."""
    chip: Any = SnapChip(PRESETS["snap-chip"])
    vars(chip)["_MustUse__used"] = True  # only its ports are looked at
    listed = {port: text for names, _, text in table("chip-ports") for port in names.split(", ")}
    for port in [*port_names(chip).values(), "clk", "rst"]:
        assert sum(port == name or port.startswith(f"{name}_") for name in listed) == 1, port
    address, data, id_ = map(int, re.findall(r"\d+", listed["m_axi_read"]))
    assert listed["m_axi_write"] == listed["m_axi_read"]
    read, write = chip.m_axi_read, chip.m_axi_write
    assert {len(read.araddr), len(write.awaddr)} == {address} and {len(read.rdata), len(write.wdata)} == {data}
    assert {len(one) for one in (read.arid, read.rid, write.awid, write.bid)} == {id_}
    assert [len(chip.s_axil.awaddr), len(chip.s_axil.wdata)] == [int(n) for n in re.findall(r"\d+", listed["s_axil"])]
    others = {name.removeprefix("m_axi_read_ar") for name in port_names(chip).values() if "_read_ar" in name}
    assert others == {"id", "addr", "len", "size", "burst", "cache", "prot", "valid", "ready"}


@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_driver_writes_the_registers_that_start_a_list(language: str, tmp_path: Path) -> None:
    """An event that is pending stays so, and the chip is not busy."""
    (code,) = blocks("c", PAGE)
    returned, found = drive(tmp_path, language, REGISTERS, code, "run_list(words, 0x123456789abcdee0)")
    assert returned == 0xFFFF_FFFF
    assert found == written(
        REGISTERS, errors=0xFFFF_FFFF, interrupt_pending=0xFFFF_FFFF, list=0x1234_5678_9ABC_DEE0,
        interrupt_enable=REGISTERS["interrupt_enable"].pack(done=1, error=1),
        control=REGISTERS["control"].pack(start=1),
    )  # fmt: skip


def test_tables_of_the_benchmark() -> None:
    went = {"compute": 0.7, "lists": 0.1, "weights": 0.05, "activations": 0.04, "memory": 0.06, "psums": 0.03}
    went |= {"begin": 0.005, "spread": 0.004, "end": 0.011, "pooling": 0}
    shares = ["70.0%", "10.0%", "5.0%", "4.0%", "6.0%", "3.0%", "2.0%"]
    bytes_ = {"weight_bytes": 16.44e6, "input_bytes": 5e6, "residual_bytes": 4e6, "output_bytes": 6e6}
    frames = [
        {"preset": "snap-chip", "densities": densities, "cycles": cycles, "ideal_cycles": 2_900_000}
        | {"utilisation": 0.7986, "where_cycles_went": went, **bytes_}
        for densities, cycles in (("0.38/0.52", 3_630_000), ("1/1", 15_900_000), ("falling with depth", 3_800_000))
    ]
    layer = {"name": "resnet50/conv1", "part": "29x56x3,64", "source": "rtl", "cycles": 12345, "utilisation": 0.8765}
    layer |= {"speedup_over_dense": 4.321, "where_cycles_went": went}
    core = {"preset": "snap-chip", "kind": "3x3", "block_lines": 4, "block_kernels": 8, "core_utilisation": 0.91234}
    core |= {"sharing_loss": 0.0123, "worst_sharing_loss": 0.0167, "imbalance_loss": 0.004}
    area = {"preset": "snap-chip", "m_nand2": 16.8065, "cores_m_nand2": 15.386, "sram_kb": 281.53}
    area |= {"products_per_cycle": 201.16, "products_per_cycle_per_m_nand2": 11.97}
    ways = [
        {"layer": "resnet50/res2a_branch2b", "ia_density": 0.38, "w_density": 0.25, "way": way, "chosen": chosen}
        | {"cycles": cycles, "sums_per_output": sums, "carried_per_output": sums - 1, "core_sums_per_cycle": sums / 2}
        for way, chosen, cycles, sums in (("row taps", False, 73_253, 1.0), ("diagonal", True, 50_047, 1.2857))
    ]
    goals = [
        {"name": "emit_seconds", "value": 15.2, "goal": "<= 20", "met": True},
        {"name": "cycles a frame", "value": 3_630_000, "goal": "<= 3.5e+06", "met": False},
    ]
    figures = {
        "frames": frames,
        "layers": [layer, {"source": "model"}],
        "cores": [core],
        "ways": ways,
        "area": [area],
        "goals": goals,
    }
    per_output, per_cycle = ["1.00", "1.29", "0.29"], ["0.50", "0.64"]
    megabytes = ["16.4", "5.0", "4.0", "6.0"]
    assert FOUND["bench_tables"](figures) == {
        "chip-frames": [
            ["`snap-chip`", "0.38/0.52", "3.63", "2.90", "0.799", "4.38", *megabytes],
            ["`snap-chip`", "1/1", "15.90", "2.90", "0.799", "", *megabytes],
            ["`snap-chip`", "falling with depth", "3.80", "2.90", "0.799", "", *megabytes],
        ],
        "chip-went": [["`snap-chip`", frame["densities"], *shares] for frame in frames],
        "chip-layers": [["conv1", "29x56x3,64", "12,345", "0.876", "4.32", *shares]],
        "chip-cores": [["`snap-chip`", "3x3", "4 x 8", "0.912", "1.2%", "1.7%", "0.4%"]],
        "chip-ways": [["res2a_branch2b", "0.38/0.25", "73,253", "50,047", "0.68", "diagonal", *per_output, *per_cycle]],
        "chip-area": [["`snap-chip`", "16.81", "15.39", "281.5", "201.2", "12.0"]],
        "chip-goals": [
            ["emit seconds", "15.2", "at most 20", "yes"],
            ["cycles a frame", "3,630,000", "at most 3,500,000", "no"],
        ],
    }
