import pytest

from tensorloom.hw.emit.emission import FORMAT
from tensorloom.hw.errors import ConfigError, PathError
from tensorloom.tb.lint import lint
from tensorloom.tb.tools import ToolError


def test_clean_designs(designs, tmp_path):
    assert lint(designs.accumulator(tmp_path / "a")) == []
    assert lint(designs.adder(tmp_path / "b") / "adder.json") == []


def test_a_warning_is_reported_with_its_place(designs, tmp_path):
    folder = designs.accumulator(tmp_path)
    path = folder / "accumulator.v"
    path.write_text(path.read_text().replace("o_words <= 96'd0", "o_words <= 97'd0"))
    (message,) = lint(folder)
    assert message.startswith("accumulator.v:6:") and message.endswith("[WIDTHTRUNC]")


@pytest.fixture
def blocks(designs, tmp_path):
    """The chain, in one file whose names differ from its modules, waived."""

    def make(old: str = "", new: str = ""):
        assert old in designs.CHAIN
        folder = designs.chain(tmp_path, designs.CHAIN.replace(old, new, 1))
        waivers = folder / "chain.vlt"
        waivers.write_text(waivers.read_text() + 'lint_off -rule DECLFILENAME -file "*chain.v"\n')
        return folder

    return make


def test_blocks_are_linted_apart(blocks):
    assert lint(blocks()) == []


def test_inputs_of_a_block_s_functions_are_not_ports(blocks):
    function = "  function [7:0] same;\n    input [7:0] a;\n    same = a;\n  endfunction\n"
    assert lint(blocks("  always @(posedge", function + "  always @(posedge")) == []


def test_fault_inside_a_block_keeps_its_line(blocks):
    messages = lint(blocks("o_data <= i_data", "o_data <= i_data[6:0]"))
    assert any(message.startswith("chain.v:3:") and message.endswith("[WIDTHEXPAND]") for message in messages)


def test_fault_at_the_ports_of_a_block(blocks):
    messages = lint(blocks(".o_data(middle)", ".o_data(middle[3:0])"))
    assert any(message.startswith("chain.v:7:") and "[WIDTH" in message for message in messages)


def test_modules_that_the_manifest_does_not_list_are_linted_too(designs, tmp_path):
    inner = designs.CHAIN.replace("chain", "inner").replace("delay first", "DELAY first").replace("first", "a")
    outer = "module chain (input clk, input [7:0] i_data, output [7:0] o_data);\n"
    outer += "  inner only (.clk(clk), .i_data(i_data), .o_data(o_data));\nendmodule\n"
    waive = 'lint_off -rule DECLFILENAME -file "*chain.v"\n'
    for name, messages in (("delay", 0), ("dolay", 1)):
        folder = designs.chain(tmp_path / name, inner.replace("DELAY", name) + outer)
        (folder / "chain.vlt").write_text((folder / "chain.vlt").read_text() + waive)
        assert len(lint(folder)) == messages


def test_missing_module(blocks):
    (message,) = lint(blocks("delay second", "dalay second"))
    assert "chain.v:8:" in message and message.endswith("[MODMISSING]")


def test_syntax_error(blocks):
    assert any("syntax error" in message for message in lint(blocks("wire [7:0] middle", "wire [7:0 middle")))


def test_not_a_design(tmp_path):
    with pytest.raises(PathError, match="holds no emitted design"):
        lint(tmp_path)
    with pytest.raises(PathError, match=r"cannot read .*/none\.json: No such file or directory"):
        lint(tmp_path / "none.json")
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"x.json is not the manifest of an emitted design \(it has no 'files'\)"):
        lint(tmp_path / "x.json")
    (tmp_path / "x.v").write_text("module x; endmodule\n")
    with pytest.raises(ConfigError, match=r"x.v is not the manifest .*: name the folder, or the \.json file in it"):
        lint(tmp_path / "x.v")


def test_a_missing_file(designs, tmp_path):
    folder = designs.accumulator(tmp_path)
    (folder / "accumulator.v").unlink()
    rule = r"cannot read .*/accumulator\.v, which accumulator\.json lists: No such file or directory"
    with pytest.raises(PathError, match=rule):
        lint(folder)


def test_manifest_of_another_format(designs, tmp_path):
    path = designs.accumulator(tmp_path) / "accumulator.json"
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', '"format": 1'))
    with pytest.raises(ValueError, match=rf"accumulator.json must be a manifest of format {FORMAT}, not 1: emit the"):
        lint(tmp_path)


def test_missing_perl(designs, tmp_path, monkeypatch):
    folder = designs.accumulator(tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="perl not found"):
        lint(folder)
