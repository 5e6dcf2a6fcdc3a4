import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.tpu.isa import INSTRUCTIONS, REGISTERS, SET_REGISTERS, UNITS, encode
from tensorloom.sim.tpu import assembler
from tensorloom.sim.tpu.assembler import assemble, disassemble, lines_of, program_of, words_of


@st.composite
def instructions(draw):
    """An instruction with any values: its word, and a line that says it in one of the ways there are."""
    name = draw(st.sampled_from(sorted(INSTRUCTIONS)))
    fields = draw(st.permutations(INSTRUCTIONS[name].fields))
    values, words = {}, [name]
    for field in fields:
        value = values[field.name] = draw(st.integers(*field.range))
        ways = [f"{field.name}={value}", f"{field.name}={value:#x}"]
        if 0 <= value < len(field.names):
            ways.append(f"{field.name}={field.names[value]}")
        if field.bits == 1 and value:
            ways.append(field.name)
        words.append(draw(st.sampled_from(ways)))
    return encode(name, **values), draw(st.sampled_from([" ", "   ", "\t"])).join(words)


@given(st.lists(instructions()))
def test_random_instructions_both_ways(program):
    found = assemble("\n".join(line for _, line in program))
    assert words_of(found) == [word for word, _ in program]
    assert assemble(disassemble(found)) == found


@given(st.lists(st.tuples(st.sampled_from(sorted(SET_REGISTERS)), st.integers(0, (1 << 32) + 2))))
def test_registers_both_ways(values):
    program = program_of([encode("set", index=SET_REGISTERS[name], value=value) for name, value in values])
    assert assemble(disassemble(program)) == program
    for (name, value), line in zip(values, disassemble(program).splitlines(), strict=True):
        assert line.startswith(f"set {name}=" if value < 1 << REGISTERS[name].bits else "set index=")


@given(st.lists(st.integers(0, (1 << 128) - 1) | st.integers(0, 255)))
def test_any_bytes_both_ways(words):
    program = program_of(words)
    assert words_of(program) == words
    assert assemble(disassemble(program)) == program


def test_a_program_reads_as_it_was_written():
    text = """\
read_host window=1 ub=0x10 granules=64 host=0x2
read_weights tiles=1 rows=8 chunks=1
set plane_step=0x40
set factor_a=1.5
set factor_b=-3.4e-05
set addend=0x7f800000
set column_step=0xfffffe
set index=81 value=0x3
convolve drain w_signed swap=every ub=0xfffff0 rows=32 repeat=3 y=-1 x=-4 width=2
vector operation=table signed a=0x40 b=0x80 rows=4
matmul drain w_signed swap=every rows=32 repeat=1 pitch=2
activate next kind=uint8 ub=0x100 rows=32 pitch=2 zero=-3 hi=255 used=2
sync units=host_in+activation
interrupt tag=0xbad
.word 0x000000000000000000000000000000ff
halt
"""
    assert disassemble(assemble(text)) == text


def test_the_example_of_the_docstring():
    example = (assembler.__doc__ or "").partition("::\n")[2]
    lines = disassemble(assemble(example)).splitlines()
    assert [line.split()[0] for line in lines] == [
        *("read_host", "read_weights", "read_parameters", "matmul", "activate", "write_host", "halt")
    ]
    assert "ub=0x100" in lines[4]


def test_symbols_sums_and_products():
    text = ".equ ROWS 4\n.equ NEXT ROWS*0x10+3  # 67\nmatmul ub=NEXT+2*ROWS+1 rows=ROWS  # halt\n\n"
    assert words_of(assemble(text)) == [encode("matmul", ub=76, rows=4)]


def test_names_of_values():
    every = "+".join(UNITS)
    for text, word in [
        (f"sync units={every}+matrix", encode("sync", units=127)),
        ("sync units=weights+activation", encode("sync", units=0b100100)),
        ("activate kind=raw", encode("activate", kind=2)),
        ("set index=plane_step value=1", encode("set", index=SET_REGISTERS["plane_step"], value=1)),
        ("set plane_step=1", encode("set", index=SET_REGISTERS["plane_step"], value=1)),
        (".equ P 3\nset line=P*7+1", encode("set", index=0x17, value=22)),
        ("set column_step=-2", encode("set", index=0x12, value=(1 << 24) - 2)),
        ("set pad=-128", encode("set", index=0x1B, value=128)),
        ("set index=pad value=0x100", encode("set", index=0x1B, value=256)),
        ("set factor_a=1", encode("set", index=0x22, value=0x3F800000)),
        ("set factor_a=0x1", encode("set", index=0x22, value=1)),
        ("set factor_b=-2.5E+3", encode("set", index=0x23, value=0xC51C4000)),
        ("set addend=.1", encode("set", index=0x24, value=0x3DCCCCCD)),
        (".equ ONE 0x3f800000\nset addend=ONE", encode("set", index=0x24, value=0x3F800000)),
        (".equ HALF -0.5\n.equ SAME HALF\nset addend=SAME", encode("set", index=0x24, value=0xBF000000)),
        (".equ ONE 1\nset addend=ONE", encode("set", index=0x24, value=0x3F800000)),
        ("convolve ub=-8", encode("convolve", ub=(1 << 24) - 8)),
        (".equ P 3\nconvolve ub=2*P-10", encode("convolve", ub=(1 << 24) - 4)),
        ("matmul rows=10-2*-1-0x4", encode("matmul", rows=8)),
        ("set index=factor_a value=1", encode("set", index=0x22, value=1)),
        ("vector operation=multiply", encode("vector", operation=1)),
        ("set index=80 value=1", encode("set", index=80, value=1)),
        (".equ matrix 3\nmatmul rows=matrix+matrix", encode("matmul", rows=6)),
        (".equ matrix 3\nsync units=matrix", encode("sync", units=16)),
    ]:
        assert words_of(assemble(text)) == [word]


@pytest.mark.parametrize(
    "text, message, hint",
    [
        ("nop\n matmull rows=1", "line 2, column 2, 'matmull': no instruction is called 'matmull'", "matmul"),
        ("matmul row=1", "line 1, column 8, 'row=1': matmul has no field 'row'", "rows"),
        ("matmul rows=1 rows=2", "line 1, column 15, 'rows=2': rows is given twice", ""),
        ("matmul rows", "line 1, column 8, 'rows': rows needs a value, rows=...", ""),
        ("matmul rows=", "'' is neither a number nor a name", ""),
        ("matmul rows=8192", "rows of matmul must be from 0 to 8191, not 8192", ""),
        ("activate zero=-32769", "zero of activate must be from -32768 to 32767", ""),
        ("matmul swap=evry", "'evry' is neither a number nor a name that is known here", "every"),
        ("sync units=matrx", "'matrx' is neither", "matrix"),
        ("sync units=128", "units of sync must be from 0 to 127, not 128", ""),
        ("set colums=3", "line 1, column 5, 'colums=3': set has no field 'colums'", "columns"),
        ("set columns", "columns needs a value, columns=...", ""),
        ("set columns=3 columns=3", "line 1, column 15, 'columns=3': a register is given twice", ""),
        ("set columns=3 value=3", "value is given twice", ""),
        ("set index=columns lines=3", "a register is given twice", ""),
        ("set columns=1.5", "'1.5' is neither a number", ""),
        ("set pad=-129", "'pad=-129': pad must be from -128 to 255, not -129", ""),
        ("set columns=-1", "columns must be from 0 to 4095, not -1", ""),
        (
            "set factor_a=1+1",
            "factor_a takes a decimal number, its value, or a hexadecimal one, the bits of a float32",
            "",
        ),
        (".equ F 0.5\nset lines=F", "'F' is neither a number nor a name", ""),
        ("matmul ub=-8", "ub of matmul must be from 0 to 16777215, not -8", ""),
        ("matmul rows=4-", "'' is neither a number nor a name", ""),
        ("set factor_a=4e38", "line 1, column 5, 'factor_a=4e38': too large for a float32", ""),
        ("matmul columns=3", "matmul has no field 'columns'", ""),
        ("vector operation=ad", "'ad' is neither a number nor a name that is known here", "add"),
        (".equ INPUT 3\nmatmul ub=INPT", "line 2, column 8, 'ub=INPT': 'INPT' is neither", "INPUT"),
        (".equ A 3\n.equ A 4", "line 2, column 6, 'A': has a value already, 3", ""),
        (".equ 3 A", "line 1, column 6, '3': no name", ""),
        (".equ A", "line 1, column 1, '.equ': takes a name and a value", ""),
        (".word", "line 1, column 1, '.word': takes a number", ""),
        (".word -1", "must be from 0 to", ""),
        (".wrd 3", "no instruction is called '.wrd'", ".word"),
    ],
)
def test_errors(text, message, hint):
    with pytest.raises(ConfigError) as caught:
        assemble(text)
    assert message in str(caught.value)
    assert caught.value.hint == (f"did you mean {hint}?" if hint else "")


def test_a_set_of_nothing():
    with pytest.raises(ConfigError, match="line 1, column 1, 'set': names no register") as caught:
        assemble("set value=3")
    assert caught.value.hint == "for example: set columns=14"


def test_lines_of_instructions():
    assert lines_of("# text\n.equ A 3\nnop\n\n.word 3 # three\nhalt") == [3, 5, 6]


def test_a_program_that_ends_within_an_instruction():
    with pytest.raises(ConfigError, match="whole instructions of 16 bytes, not of 17 bytes"):
        disassemble(bytes(17))
