"""What people and tools want of an engine's registers: SystemRDL, and all that PeakRDL makes of it."""

import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..hw.errors import FailureError

if TYPE_CHECKING:
    from ..hw.bus.register_map import RegisterMap

__all__ = ["INSTALL", "compile_systemrdl", "register_files"]

INSTALL = "scripts/setup, or pip install '.[registers]', in a clone of tensorloom"
"""How to get the packages."""

PROJECT = "tensorloom"
"""Vendor and library in IP-XACT."""


def register_files(registers: "RegisterMap") -> dict[str, bytes]:
    """Contents by file name: SystemRDL, Markdown, C header, IP-XACT, and HTML with ``index.html`` in its folder.

    Equal registers give equal bytes.

    Raises
    ------
    FailureError
        If a package that makes one of them is missing.
    """
    from ..hw.bus.systemrdl import systemrdl

    try:
        from peakrdl_cheader.exporter import CHeaderExporter
        from peakrdl_html import HTMLExporter
        from peakrdl_ipxact import IPXACTExporter
        from peakrdl_markdown import MarkdownExporter
    except ModuleNotFoundError as error:
        raise FailureError(f"the Python package {error.name} is missing", INSTALL) from error
    name = registers.name
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        text = systemrdl(registers).encode()
        (root / f"{name}.rdl").write_bytes(text)
        top = compile_systemrdl(root / f"{name}.rdl")
        MarkdownExporter().export(top, str(root / f"{name}.md"))
        CHeaderExporter().export(top, str(root / f"{name}.h"))
        IPXACTExporter(vendor=PROJECT, library=PROJECT).export(top, str(root / f"{name}.xml"))
        # Without links to the source, a temporary file, and with a stamp for browsers that isn't the time.
        html = HTMLExporter(generate_source_links=False, user_context={"build_ts": zlib.crc32(text)})
        html.export(top, str(root / f"{name}_html"))
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def compile_systemrdl(path: Path) -> Any:
    """The address map that a file of SystemRDL describes, as a node of systemrdl-compiler."""
    from systemrdl.compiler import RDLCompiler

    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    return compiler.elaborate().top
