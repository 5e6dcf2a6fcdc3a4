"""Rules of ``convolve``, ``pool``, ``vector`` and ``set``, and what these read and write."""

import pytest

from tensorloom.hw.tpu.isa import FLOATS
from tensorloom.sim.tpu.assembler import assemble
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.golden import run

from .test_check import ACTIVATE, CONFIG, HOST, ROOM, START, WEIGHTS, found

# granules 0 to 255 and 0x100 to 0x107 are written, 2 tiles and 1 set are left; rows are of 2 granules
GEOMETRY = {"columns": 2, "lines": 2, "line": 8, "height": 4, "window_first": 8, "window_last": 127, "pool_pitch": 2}


def registers(**values):
    return "".join(f"set index={name} value={value}\n" for name, value in (GEOMETRY | values).items())


SET = registers()
CONVOLVE = "convolve rows=4 repeat=1 width=2"
DRAIN = CONVOLVE + " drain\n"
POOL = "pool rows=4 kernel_rows=1 kernel_columns=1 width=2 dst=0x200"
VECTOR = "vector rows=4 hi=255 a=0 b=16 dst=0x200"
TABLE = "vector operation=table rows=4 a=0 b=16 dst=0x200"


def at(name, legal, illegal):
    """Cases of one field."""
    return legal.replace(name, illegal)


CASES = [
    # legal, illegal, error, its place behind the start
    *((f"set index={name} value={(1 << bits) - 1}", f"set index={name} value={1 << bits}", "value", 0)
      for name, bits in (("columns", 12), ("image_step", 24), ("pad", 8), ("zero_b", 8), ("stride", 12))),
    *((f"set index={name} value=1023", f"set index={name} value=1024", "value", 0)
      for name in ("window_first", "window_last")),
    ("set index=pool_pitch value=2", "set index=pool_pitch value=3", "value", 0),
    *((f"set index={name} value={legal}", f"set index={name} value={illegal}", "value", 0)
      for name in FLOATS
      for legal, illegal in ((0, 1), (1 << 31, 0x807FFFFF), (0x00800000, 0x007FFFFF), (0x4EFFFFFF, 0x4F000000),
                             (0xCEFFFFFF, 0xCF000000), (0x3F800000, 0x7F800000), (0x3F800000, 0x7FC00000),
                             (0x3F800000, 1 << 32))),
    *(("set index=columns", f"set index={index}", "reserved", 0) for index in (0xF, 0x1F, 0x25)),
    (SET + CONVOLVE, SET + CONVOLVE + " swap=3", "value", 7),
    (SET + CONVOLVE, SET + at("repeat=1", CONVOLVE, ""), "value", 7),
    (SET + CONVOLVE, SET + at("width=2", CONVOLVE, "width=3"), "value", 7),
    (SET + CONVOLVE, SET + at("width=2", CONVOLVE, ""), "value", 7),
    *((registers(**{name: 1}) + one, registers(**{name: 0}) + one, "value", 7)
      for name in ("columns", "lines") for one in (CONVOLVE, POOL)),
    *((registers(window_first=127) + one, registers(window_first=128) + one, "value", 7) for one in (CONVOLVE, POOL)),
    (SET + CONVOLVE, SET + at("rows=4", CONVOLVE, ""), "accumulators", 7),
    (SET + CONVOLVE + " acc=124", SET + CONVOLVE + " acc=125", "accumulators", 7),
    (SET + CONVOLVE + " ub=0xffffff", SET + at("repeat=1", CONVOLVE, "repeat=3 swap=every"), "no_tile", 7),
    (SET + DRAIN + ACTIVATE, SET + DRAIN + ACTIVATE.replace("rows=4", "rows=3"), "bundle", 7),
    (SET + DRAIN + ACTIVATE, SET + DRAIN + "set index=columns value=1\n" + ACTIVATE, "bundle", 7),
    (SET + DRAIN + ACTIVATE, SET + DRAIN + CONVOLVE, "bundle", 7),
    (SET + DRAIN + ACTIVATE, SET + CONVOLVE + "\n" + ACTIVATE, "bundle", 8),
    (SET + DRAIN + ACTIVATE + " ub=0x7f8", SET + DRAIN + ACTIVATE + " ub=0x7f9", "buffer", 8),
    *((SET + POOL, SET + at(f"{name}={value}", POOL, ""), "value", 7)
      for name, value in (("rows", 4), ("kernel_rows", 1), ("kernel_columns", 1), ("width", 2))),
    (SET + POOL, SET + at("width=2", POOL, "width=3"), "value", 7),
    (registers(pool_pitch=2) + POOL, registers(pool_pitch=1) + POOL, "value", 7),
    (SET + at("0x200", POOL, "0x7f8"), SET + at("0x200", POOL, "0x7f9"), "buffer", 7),
    (SET + at("width=2", at("0x200", POOL, "0x7f9"), "width=1"),
     SET + at("width=2", at("0x200", POOL, "0x7fa"), "width=1"), "buffer", 7),
    (SET + at("0x200", POOL, "0x100"), SET + at("0x200", POOL, "0xff"), "overlap", 7),
    (SET + at("0x200", POOL, "8"), SET + at("0x200", POOL, "9"), "overlap", 7),
    (registers(window_last=200) + POOL, registers(window_last=256) + POOL, "overlap", 7),
    (VECTOR + " operation=max", VECTOR + " operation=4", "value", 0),
    (VECTOR + " operation=multiply", VECTOR + " operation=7", "value", 0),
    (VECTOR, at("rows=4", VECTOR, ""), "value", 0),
    (VECTOR + " lo=255", at("255", VECTOR, "254") + " lo=255", "value", 0),
    (VECTOR, at("255", VECTOR, "-1") + " lo=-1", "value", 0),
    (at("255", VECTOR, "127") + " signed lo=-128", at("255", VECTOR, "127") + " signed lo=-129", "value", 0),
    (at("255", VECTOR, "127") + " signed", at("255", VECTOR, "128") + " signed", "value", 0),
    (TABLE, TABLE + " hi=1", "value", 0),
    (TABLE + " signed", TABLE + " lo=-1", "value", 0),
    *((one, one.replace(f"{name}={value}", f"{name}={value}+1"), "buffer", 0)
      for one in (VECTOR, TABLE) for name, value in (("a", 0), ("b", 16), ("dst", "0x200"))),
    (at("a=0", VECTOR, "a=2040"), at("a=0", VECTOR, "a=2042"), "buffer", 0),
    (at("b=16", VECTOR, "b=2040"), at("b=16", VECTOR, "b=2042"), "buffer", 0),
    (at("0x200", VECTOR, "2040"), at("0x200", VECTOR, "2042"), "buffer", 0),
    (at("b=16", TABLE, "b=0"), at("b=16", TABLE, "b=1986"), "buffer", 0),
    (at("a=0", TABLE, "a=2040"), at("a=0", TABLE, "a=2042"), "buffer", 0),
    (at("rows=4", VECTOR, "rows=0xf8"), at("rows=4", VECTOR, "rows=0x301"), "buffer", 0),
    (at("0x200", VECTOR, "0"), at("0x200", VECTOR, "2"), "overlap", 0),
    (at("0x200", VECTOR, "16"), at("0x200", VECTOR, "10"), "overlap", 0),
    (at("0x200", VECTOR, "8"), at("0x200", VECTOR, "22"), "overlap", 0),
    (at("0x200", TABLE, "0"), at("0x200", TABLE, "6"), "overlap", 0),
    (at("0x200", TABLE, "8"), at("0x200", TABLE, "16"), "overlap", 0),
    (at("0x200", TABLE, "80"), at("0x200", TABLE, "78"), "overlap", 0),
    (TABLE, at("a=0", at("0x200", TABLE, "16"), "a=16"), "overlap", 0),
]  # fmt: skip


@pytest.mark.parametrize("legal, illegal, error, place", CASES, ids=[f"{case[2]}-{n}" for n, case in enumerate(CASES)])
def test_every_rule(legal, illegal, error, place):
    start = len(START.split("\n")) - 2
    after = found(START + legal)
    assert after == [] or (after[0].error, after[0].pc) == ("end", start + len(legal.strip().split("\n")))
    first = found(START + illegal)[0]
    assert (first.error, first.pc) == (error, start + place)


@pytest.mark.parametrize("name", ["columns", "lines"])
@pytest.mark.parametrize("one", [CONVOLVE, POOL])
def test_registers_are_0_at_first(name, one):
    values = {**GEOMETRY}
    del values[name]
    text = "".join(f"set index={key} value={value}\n" for key, value in values.items())
    assert found(START + text + one)[0].error == "value"


def test_of_several_errors_one_is_the_first():
    for text, error in [
        (SET + "convolve rows=0 repeat=1 width=3", "value"),
        (SET + "convolve rows=0 repeat=9 swap=every width=2", "accumulators"),
        (registers(window_last=1023) + at("0x200", POOL, "0x7ff"), "buffer"),
        (registers(pool_pitch=0, window_last=1023) + POOL, "value"),
        (at("0x200", VECTOR, "3") + " lo=-256", "value"),
        (at("rows=4", VECTOR, "rows=0x400"), "buffer"),
    ]:
        assert found(START + text)[0].error == error


def test_an_illegal_value_is_not_set():
    text = START + SET + "set index=window_last value=5000\nset index=columns value=4096\n" + CONVOLVE + "\n" + POOL
    problems = check_program(CONFIG, assemble(text), ROOM)
    assert [one.error for one in problems if one.code] == ["value", "value", "end"]


def problems_of(text):
    return [(one.error, one.reason) for one in check_program(CONFIG, assemble(START + text), ROOM) if not one.code]


def unwritten(granule):
    return [("unwritten", f"granule {granule} is read, and nobody wrote it")]


STEPS = {"column_step": 2, "line_step": 4, "line": 256, "height": 4, "window_last": 300}


@pytest.mark.parametrize("one", [CONVOLVE, POOL.replace("0x200", "0x400")])
def test_only_input_must_have_been_written(one):
    """The last of 4 windows reaches up to granule ub + 8; granules 264 on are not written."""
    assert problems_of(registers(**STEPS) + one + " ub=256 x=4") == []
    assert problems_of(registers(**STEPS) + one + " ub=257") == unwritten(264)
    assert (
        problems_of(registers(**{**STEPS, "line": 3}) + one + " ub=257") == []
    )  # the second column is outside its line
    assert problems_of(registers(**{**STEPS, "stride": 1, "height": 1}) + one + " ub=257") == []
    assert problems_of(registers(**{**STEPS, "window_last": 131}) + one + " ub=257") == []
    assert problems_of(registers(**STEPS) + one + " ub=257 y=-1") == []
    assert problems_of(registers(**{**STEPS, "stride": 1}) + one + " ub=257 y=-1") == unwritten(264)


def test_all_rows_of_a_kernel_count():
    more = registers(**STEPS, kernel_step=4) + CONVOLVE.replace("repeat=1", "repeat={}") + " ub=252"
    assert problems_of(more.format(2)) == [] and problems_of(more.format(3)) == unwritten(264)
    more = registers(**STEPS, kernel_step=4, tap_step=2) + POOL.replace("0x200", "0x400") + " ub={}"
    both = more.replace("kernel_rows=1", "kernel_rows=2").replace("kernel_columns=1", "kernel_columns=2")
    assert problems_of(both.format(250)) == [] and problems_of(both.format(251)) == unwritten(264)


def test_accumulators_of_convolve():
    text = SET + CONVOLVE + " acc=4\n"
    assert problems_of(text + "matmul rows=8 repeat=1 pitch=2 accumulate") == []
    assert problems_of(text + CONVOLVE + " accumulate acc=4") == []
    assert problems_of(text + CONVOLVE + " accumulate acc=5") == [
        ("unwritten", "adds to accumulators that nobody wrote")
    ]


def test_what_pool_writes():
    text = SET + POOL.replace("width=2", "width=1") + "\nsync units=host_in\nwrite_host window=1 ub={} granules=1"
    for granule in (0x200, 0x202, 0x204, 0x206):
        assert problems_of(text.format(granule)) == []
    for granule in (0x1FE, 0x208):
        assert problems_of(text.format(granule)) == unwritten(granule)
    assert problems_of(text.format(0x200).replace("granules=1", "granules=2")) == unwritten(0x201)


def test_vector_makes_nothing_of_nothing():
    """Granules 264 on are not written, so those that come of them aren't either; a table must be whole."""
    text = "sync units=host_in\nvector rows=4 hi=255 a={} b=0 dst=0x200\nwrite_host window=1 ub=0x200 granules={}"
    assert problems_of(text.format(258, 6)) == [] and problems_of(text.format(258, 7)) == unwritten(0x206)
    swapped = text.replace("a={} b=0", "a=0 b={}")
    assert problems_of(swapped.format(258, 6)) == [] and problems_of(swapped.format(258, 7)) == unwritten(0x206)
    table = text.replace(" b=0", " b=192").replace("hi=255", "operation=table")
    assert problems_of(table.format(258, 6)) == [] and problems_of(table.format(258, 7)) == unwritten(0x206)
    assert problems_of(table.replace("b=192", "b=200").format(0, 1)) == []
    assert problems_of(table.replace("b=192", "b=202").format(0, 1)) == unwritten(264)
    in_place = "vector rows=2 hi=255 a=0x200 b=0 dst=0\nmatmul rows=1 repeat=1 pitch=2 ub=2"
    assert problems_of(in_place) == unwritten(2)
    program = assemble(START + "vector rows=4 hi=255 a=258 b=0 dst=0x200\nhalt")
    written = run(CONFIG, program, host=HOST, weights=WEIGHTS).written.reshape(-1, 4)
    assert written[0x200:0x208].all(1).tolist() == [True] * 6 + [False] * 2
