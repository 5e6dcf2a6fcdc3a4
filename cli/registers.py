"""``tensorloom registers``: write what software and tools need of an engine's registers."""

from pathlib import Path
from typing import Annotated

import typer

from ..hw.emit.files import write_files
from ..hw.errors import UsageError
from ..run.files import check_folder, writing
from ..run.registers import register_files
from ..run.registry import engines
from .options import Assignments, ConfigFile, Json, Preset, choose_design, examples, to_path
from .output import bytes_text, print_json, print_table, say

__all__ = ["EXAMPLES", "registers"]

EXAMPLES = examples("registers", "tensorloom registers --config my.toml -o build --json")


def registers(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", parser=to_path, help="Folder to write to.")],
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Write a design's registers as SystemRDL, Markdown, HTML, C header and IP-XACT.

    All come from the description that the hardware is made of. Files that are already equal are left untouched. On an
    error nothing is written.
    """
    design = choose_design(preset, config_file, assignments)
    described = design.engine.registers(design.config)
    if described is None:
        known = [
            engine.name
            for engine in engines().values()
            if any(engine.registers(config) is not None for config in engine.presets.values())
        ]
        raise UsageError(f"engine must be one with registers ({', '.join(known)}), not {design.engine.name!r}")
    check_folder(output)
    files = register_files(described)
    with writing(output):
        write_files(output, files)
    if as_json:
        print_json(
            {
                "design": design.name,
                "engine": design.engine.name,
                "name": described.name,
                "files": [{"path": str(output / name), "bytes": len(content)} for name, content in files.items()],
                "registers": {
                    register.name: {
                        "offset": register.offset,
                        "bits": register.bits,
                        "fields": {
                            field.name: {"low": field.low, "bits": field.bits, "access": field.access}
                            for field in register.fields
                        },
                    }
                    for register in sorted(described.registers, key=lambda register: register.offset)
                },
            }
        )
        return
    shown = {name: content for name, content in files.items() if "/" not in name or name.endswith("/index.html")}
    print_table(["file", "size"], [[output / name, bytes_text(len(content))] for name, content in shown.items()])
    say(f"{described.name}: {len(described.registers)} registers, {len(files)} files")
