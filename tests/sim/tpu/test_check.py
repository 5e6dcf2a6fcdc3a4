import pytest

from tensorloom.hw.tpu.config import PRESETS
from tensorloom.hw.tpu.isa import ERRORS
from tensorloom.sim.tpu.assembler import assemble
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.rules import Room

CONFIG = PRESETS[
    "tpu-tiny"
]  # rows of 8 bytes, 2 granules, a beat; 1024 of them; 128 accumulators; 5 tiles ahead; 4 sets
HOST, WEIGHTS = (bytes(1024), bytes(104)), bytes([0, 0, 128, 63]) * 256
ROOM = Room((len(HOST[0]), len(HOST[1])), len(WEIGHTS))

START = """
read_host granules=256
read_weights tiles=3 rows=8 chunks=1
read_parameters count=2 address=16
matmul drain swap=first rows=4 repeat=1 pitch=2
activate next kind=uint8 ub=0x100 rows=4 pitch=2 used=2 hi=255
"""  # 2 tiles and 1 set are left

DRAIN = "matmul drain rows=4 repeat=1 pitch=2\n"
ACTIVATE = "activate kind=uint8 rows=4 pitch=2 used=2"
SIGNED, RAW = ACTIVATE.replace("uint8", "int8"), ACTIVATE.replace("uint8", "raw")
READ = "read_weights tiles=1 rows=8 chunks=1\n"

CASES = [
    # legal, illegal, error, its place behind the start
    ("nop", ".word 5", "opcode", 0),
    ("nop", ".word 0x100", "reserved", 0),
    ("matmul rows=1 repeat=1 pitch=1", f".word {0x20 | 1 << 115 | 1 << 40 | 1 << 72 | 1 << 108}", "reserved", 0),
    ("set index=plane_step value=2047", "set index=plane_step value=2048", "value", 0),
    ("set index=plane_step", "set index=0x51", "reserved", 0),
    (DRAIN + ACTIVATE, ACTIVATE, "bundle", 0),
    (DRAIN + ACTIVATE, DRAIN + ACTIVATE.replace("rows=4", "rows=3"), "bundle", 0),
    (DRAIN + ACTIVATE, DRAIN + "nop\n" + ACTIVATE, "bundle", 0),
    (DRAIN + ACTIVATE, DRAIN + "set index=plane_step\n" + ACTIVATE, "bundle", 0),
    (DRAIN + ACTIVATE, DRAIN + DRAIN + ACTIVATE, "bundle", 0),
    (DRAIN + ACTIVATE, DRAIN + ".word 5", "opcode", 1),
    (DRAIN + ACTIVATE, DRAIN + ".word 0x100", "reserved", 1),
    (DRAIN + ACTIVATE, DRAIN + "halt", "bundle", 0),
    (DRAIN + ACTIVATE, DRAIN.replace("rows=4", "rows=0") + "nop", "accumulators", 0),
    (DRAIN + ACTIVATE, DRAIN + ACTIVATE.replace("used=2", "used=3"), "value", 1),
    ("matmul swap=first rows=1 repeat=1 pitch=1", "matmul swap=3 rows=1 repeat=1 pitch=1", "value", 0),
    ("matmul rows=1 repeat=1 pitch=2", "matmul rows=1 repeat=1 pitch=3", "value", 0),
    ("matmul rows=1 repeat=1 pitch=1", "matmul rows=1 repeat=1", "value", 0),
    ("matmul rows=1 repeat=1 pitch=1", "matmul rows=1 pitch=1", "value", 0),
    ("matmul rows=1 repeat=1 pitch=1", "matmul repeat=1 pitch=1", "accumulators", 0),
    ("matmul rows=8 acc=120 repeat=1 pitch=2", "matmul rows=9 acc=120 repeat=1 pitch=2", "accumulators", 0),
    ("matmul rows=8 acc=120 repeat=1 pitch=2", "matmul rows=8 acc=121 repeat=1 pitch=2", "accumulators", 0),
    ("matmul rows=8 ub=2032 repeat=1 pitch=2", "matmul rows=8 ub=2033 repeat=1 pitch=2", "buffer", 0),
    ("matmul rows=1 repeat=3 step=1023 pitch=2", "matmul rows=1 repeat=3 step=1024 pitch=1", "buffer", 0),
    ("matmul rows=1 repeat=2 swap=every pitch=1", "matmul rows=1 repeat=3 swap=every pitch=1", "no_tile", 0),
    (DRAIN + ACTIVATE , DRAIN + ACTIVATE.replace("uint8", "3"), "value", 1),
    (DRAIN + ACTIVATE + " hi=255", DRAIN + ACTIVATE + " hi=256", "value", 1),
    (DRAIN + ACTIVATE + " lo=7 hi=7", DRAIN + ACTIVATE + " lo=7 hi=6", "value", 1),
    (DRAIN + ACTIVATE + " zero=255", DRAIN + ACTIVATE + " zero=-1", "value", 1),
    (DRAIN + ACTIVATE, DRAIN + ACTIVATE + " lo=-1", "value", 1),
    (DRAIN + SIGNED + " lo=-128 hi=127 zero=-128", DRAIN + SIGNED + " lo=-128 hi=128", "value", 1),
    (DRAIN + SIGNED + " zero=127", DRAIN + SIGNED + " zero=128", "value", 1),
    (DRAIN + SIGNED + " lo=-128", DRAIN + SIGNED + " lo=-129", "value", 1),
    (DRAIN + ACTIVATE, DRAIN + ACTIVATE + " relu", "value", 1),
    (DRAIN + ACTIVATE, DRAIN + ACTIVATE + " planes=1", "value", 1),
    (DRAIN + ACTIVATE, DRAIN + ACTIVATE.replace("used=2", ""), "value", 1),
    (DRAIN + ACTIVATE, DRAIN + ACTIVATE.replace("pitch=2", "pitch=1"), "value", 1),
    (DRAIN + ACTIVATE, DRAIN + ACTIVATE.replace("pitch=2", "pitch=3"), "value", 1),
    (DRAIN + RAW + " relu planes=2", DRAIN + RAW + " relu planes=3", "value", 1),
    *((DRAIN + RAW, DRAIN + f"{RAW} {field}=1", "value", 1) for field in ("next", "zero", "lo", "hi")),
    (DRAIN + ACTIVATE + " ub=2040", DRAIN + ACTIVATE + " ub=2041", "buffer", 1),
    (DRAIN + ACTIVATE.replace("used=2", "used=1") + " ub=2041",
     DRAIN + ACTIVATE.replace("used=2", "used=1") + " ub=2042", "buffer", 1),
    ("set index=plane_step value=680\n" + DRAIN + RAW + " planes=2",
     "set index=plane_step value=681\n" + DRAIN + RAW + " planes=2", "buffer", 2),
    (DRAIN + ACTIVATE + " next", 2 * (DRAIN + ACTIVATE + " next\n"), "no_parameters", 3),
    ("read_host granules=3 ub=2", "read_host granules=2 ub=1", "buffer", 0),
    ("read_host granules=2 ub=2046", "read_host granules=3 ub=2046", "buffer", 0),
    ("write_host granules=2 ub=2046", "write_host granules=2 ub=2048", "buffer", 0),
    ("write_host granules=1", "write_host", "memory", 0),
    ("read_host granules=1 host=127", "read_host granules=3 host=127", "memory", 0),
    ("read_host granules=25 window=1", "read_host granules=27 window=1", "memory", 0),
    ("read_weights tiles=1 rows=4 chunks=1 address=124",
     "read_weights tiles=1 rows=4 chunks=1 address=125", "memory", 0),
    (READ, "read_weights rows=8 chunks=1", "memory", 0),
    (READ, "read_weights tiles=1 chunks=1", "memory", 0),
    (READ, "read_weights tiles=1 rows=8", "memory", 0),
    (READ, "read_weights tiles=1 rows=9 chunks=1", "value", 0),
    (READ, "read_weights tiles=1 rows=8 chunks=2", "value", 0),
    ("read_parameters count=1 address=120", "read_parameters count=1 address=121", "memory", 0),
    ("read_parameters count=3", "read_parameters", "memory", 0),
    ("read_parameters count=3", "read_parameters count=4", "prefetch", 0),
    (3 * READ + "sync units=weights", 4 * READ + "sync units=weights", "prefetch", 4),
    (3 * READ + "interrupt units=63", 4 * READ + "interrupt units=63", "prefetch", 4),
    (11 * READ, 12 * READ, "prefetch", 11),
    (3 * READ + "read_weights tiles=1 rows=1 chunks=1\nmatmul swap=first rows=1 repeat=1 pitch=1\nsync units=63",
     3 * READ + "read_weights tiles=2 rows=1 chunks=1\nmatmul swap=first rows=1 repeat=1 pitch=1\nsync units=63",
     "prefetch", 5),
    ("matmul swap=every rows=1 repeat=2 pitch=1\n" + DRAIN + ACTIVATE + " next\nhalt",
     "matmul swap=every rows=1 repeat=2 pitch=1\nhalt", "leftover", 1),
    ("matmul swap=every rows=1 repeat=2 pitch=1\n" + DRAIN + ACTIVATE + " next\nhalt",
     DRAIN + ACTIVATE + " next\nhalt", "leftover", 2),
]  # fmt: skip


def found(text):
    """What checker and interpreter say of a program, which must be the same."""
    program = assemble(text)
    problems = [one for one in check_program(CONFIG, program, ROOM) if one.code]
    outcome = run(CONFIG, program, host=HOST, weights=WEIGHTS)
    assert outcome.problem == (problems[0] if problems else None)
    if problems:
        assert (outcome.state, outcome.code, outcome.pc) == ("error", ERRORS[problems[0].error][0], problems[0].pc)
    return problems


@pytest.mark.parametrize("legal, illegal, error, place", CASES, ids=[f"{case[2]}-{n}" for n, case in enumerate(CASES)])
def test_every_rule(legal, illegal, error, place):
    start = len(START.split("\n")) - 2
    after = found(START + legal)
    assert after == [] or (after[0].error, after[0].pc) == ("end", start + len(legal.strip().split("\n")))
    first = found(START + illegal)[0]
    assert (first.error, first.pc) == (error, start + place)
    assert str(first).startswith(f"instruction {first.pc}: {error}: ")


@pytest.mark.parametrize(
    "text, error, pc",
    [
        ("", "end", 0),
        ("nop", "end", 1),
        (START + DRAIN, "bundle", 5),
        ("matmul rows=1 repeat=1 pitch=1", "no_tile", 0),
        (READ + "matmul rows=1 repeat=1 pitch=1", "no_tile", 1),
        (READ + "matmul swap=first drain rows=4 repeat=1 pitch=2\n" + ACTIVATE, "no_parameters", 2),
        (READ + "matmul swap=first drain rows=4 repeat=1 pitch=2\n" + ACTIVATE + " next", "no_parameters", 2),
        (READ + "read_parameters count=1\nmatmul swap=first drain rows=4 repeat=1 pitch=2\n" + ACTIVATE,
         "no_parameters", 3),
        (READ + "halt", "leftover", 1),
        ("read_parameters count=1\nhalt", "leftover", 1),
    ],
)  # fmt: skip
def test_from_the_beginning(text, error, pc):
    assert found(text)[0][:2] == (pc, error)


@pytest.mark.parametrize(
    "text, error",
    [
        ("matmul swap=3 rows=0 acc=200 repeat=1 pitch=1 ub=5000", "value"),
        ("matmul swap=every rows=0 acc=200 repeat=1 pitch=1 ub=5000", "accumulators"),
        ("matmul swap=every rows=1 repeat=5 pitch=1 ub=5000", "buffer"),
        ("read_host ub=1", "buffer"),
        ("read_weights tiles=100 rows=9", "value"),
        ("read_parameters count=200", "memory"),
        (".word 0x1ff", "opcode"),
        ("set index=1 value=5000", "reserved"),
        (DRAIN + ACTIVATE.replace("rows=4", "rows=5").replace("used=2", ""), "bundle"),
        (DRAIN + ACTIVATE + " hi=300 ub=5000", "value"),
        ("read_parameters count=1\n" * 3 + DRAIN + ACTIVATE + " next ub=5000", "buffer"),
    ],
)
def test_of_several_errors_one_is_the_first(text, error):
    assert found(START + text)[0].error == error


def test_all_errors_are_found():
    text = START + "matmul rows=0 repeat=1 pitch=1\nmatmul swap=every rows=1 repeat=9 pitch=1\n" + DRAIN + "nop"
    problems = check_program(CONFIG, assemble(text + "\nread_host ub=1 granules=1\n.word 0xff"), ROOM)
    assert [one.error for one in problems] == ["accumulators", "no_tile", "bundle", "buffer", "opcode", "end"]
    assert [one.pc for one in problems] == [5, 6, 7, 9, 10, 11]


def test_nothing_is_found_behind_halt():
    assert check_program(CONFIG, assemble("halt\n.word 5")) == []


@pytest.mark.parametrize(
    "text, reason",
    [
        ("write_host ub=16 granules=242", "granule 256 is read"),
        ("write_host ub=0x200 granules=10", "granule 520 is read"),
        ("matmul rows=4 repeat=1 pitch=2 ub=249", "granule 256 is read"),
        ("matmul rows=4 repeat=3 step=126 pitch=2", "granule 256 is read"),
        ("matmul rows=4 repeat=1 pitch=2 acc=1 accumulate", "adds to accumulators that nobody wrote"),
    ],
)
def test_what_nobody_wrote_is_read(text, reason):
    program = assemble(START.replace("0x100", "0x200") + "sync units=host_in\n" + text)
    problems = check_program(CONFIG, program, ROOM)
    assert [one.error for one in problems] == ["unwritten", "end"]
    assert (problems[0].pc, problems[0].code) == (6, 0)
    assert reason in problems[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "write_host granules=256",
        "write_host ub=0x100 granules=8 window=1",
        "matmul rows=4 repeat=1 pitch=2 ub=248",
        "matmul rows=4 repeat=3 step=124 pitch=2",
        "matmul rows=4 repeat=1 pitch=2 accumulate",
        "set index=plane_step value=9\n" + DRAIN + "activate kind=raw planes=1 ub=0x200 rows=4 pitch=2 used=1\n"
        "write_host ub=0x208 granules=2",
    ],
)
def test_what_was_written_is_read(text):
    start = START + ("sync units=host_in\n" if "write_host" in text else "")
    program = start + text
    expected = ["unwritten"] if "planes" in text else []
    assert [one.error for one in check_program(CONFIG, assemble(program), ROOM)] == [*expected, "end"]


@pytest.mark.parametrize(
    "between, wrong",
    [
        ("", True),
        ("nop", True),
        ("sync units=host_in", True),
        ("sync units=host_out", False),
        ("interrupt units=host_out", False),
    ],
)
def test_host_memory_is_read_again(between, wrong):
    text = f"read_host granules=8\nsync units=host_in\nwrite_host granules=3 host=4\n{between}\n"
    for read, meets in [
        ("host=5", True),
        ("host=3", True),
        ("host=6", False),
        ("host=2", False),
        ("host=5 window=1", False),
    ]:
        problems = check_program(CONFIG, assemble(text + f"read_host granules=4 {read}\nhalt"), ROOM)
        assert [one.error for one in problems] == ["unsynced"] * (wrong and meets)


def test_host_memory_is_written_where_it_is_read():
    text = "read_host granules=8\n{}write_host granules=3 host=3\nhalt"
    assert [one[:2] for one in check_program(CONFIG, assemble(text.format("")), ROOM)] == [(1, "unsynced")]
    assert check_program(CONFIG, assemble(text.format("sync units=1\n")), ROOM) == []
