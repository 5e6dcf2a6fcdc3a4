"""An emitted design as lint and simulation read it: from a folder, a manifest, or an emission in memory."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, Protocol

from ..hw.emit.emission import FORMAT, digest
from ..hw.errors import ConfigError, PathError

__all__ = ["MODULE", "EmissionLike", "Sources"]

MODULE = re.compile(r"^[ \t]*module\s+(\w+).*?^[ \t]*endmodule\b", re.MULTILINE | re.DOTALL)
"""A module of Verilog."""

FIRST_WORD = re.compile(r"^[ \t]*(\w+)", re.MULTILINE)


class EmissionLike(Protocol):
    """What is used of an emission of ``hw.emit``: its files by name, and its manifest."""

    @property
    def files(self) -> dict[str, str]:
        """Texts by file name."""
        ...

    @property
    def manifest(self) -> dict[str, Any]:
        """Plain values of the manifest."""
        ...


@dataclasses.dataclass(frozen=True)
class Sources:
    """Texts of an emitted design.

    Attributes
    ----------
    manifest
        The manifest's plain values.
    verilog
        Verilog text by file name.
    waivers
        Text of the Verilator control file.
    around
        SystemVerilog text by file name: the package, then the wrapper if there is one.
    """

    manifest: dict[str, Any]
    verilog: dict[str, str]
    waivers: str
    around: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def load(cls, source: "Sources | EmissionLike | Path | str") -> "Sources":
        """Read an emission, the folder it was written to, or the manifest in that folder.

        Raises
        ------
        PathError
            If there is no manifest or a file that it lists is missing.
        ConfigError
            If the folder holds several manifests, or the file is not a manifest or one of another format.
        """
        if isinstance(source, Sources):
            return source
        if not isinstance(source, (str, Path)):
            files, manifest = source.files, source.manifest
            verilog = {name: files[name] for name in manifest["files"]}
            around = {name: files[name] for name in _around(manifest)}
            return cls(manifest, verilog, files[manifest["waivers"]], around)
        path = _find_manifest(Path(source))
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            names, waivers = manifest["files"], manifest["waivers"]
            form = manifest["format"]
        except (ValueError, KeyError, TypeError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else "it is not JSON with a manifest's names"
            advice = "name the folder, or the .json file in it"
            raise ConfigError(f"{path} is not the manifest of an emitted design ({what}): {advice}") from None
        except OSError as error:
            raise PathError(f"cannot read {path}: {error.strerror or error}") from None
        if form != FORMAT:
            raise ConfigError(f"{path} must be a manifest of format {FORMAT}, not {form!r}: emit the design again")
        texts = {}
        around = _around(manifest)
        for name in (*names, waivers, *around):
            try:
                texts[name] = (path.parent / name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                raise PathError(f"cannot read {path.parent / name}, which {path.name} lists: {reason}") from None
        verilog = {name: texts[name] for name in names}
        return cls(manifest, verilog, texts[waivers], {name: texts[name] for name in around})

    @property
    def intact(self) -> bool:
        """Whether the texts are those that were emitted, by the manifest's hash."""
        return self.manifest.get("hash") == digest(self.verilog, self.waivers)

    @property
    def top(self) -> str:
        """Module name of the top."""
        return self.manifest["top"]

    def reach(self, root: str) -> tuple[set[str], set[str]]:
        """Modules at and below `root`, and the hierarchical blocks where it ends.

        Read from the Verilog: it has modules that the manifest doesn't list, those of submodules that aren't shared.
        """
        texts = {match[1]: match[0] for text in self.verilog.values() for match in MODULE.finditer(text)}
        inside, boxes, waiting = {root}, set(), [root]
        while waiting:
            for name in texts.keys() & set(FIRST_WORD.findall(texts.get(waiting.pop(), ""))):
                if name in self.manifest["hierarchical"] and name != root:
                    boxes.add(name)
                elif name not in inside:
                    inside.add(name)
                    waiting.append(name)
        return inside, boxes

    def write(self, folder: Path) -> list[Path]:
        """Write control file and Verilog to an existing folder, for Verilator's command line in this order."""
        paths = []
        for name, text in ({self.manifest["waivers"]: self.waivers} | self.verilog).items():
            path = folder / name
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        return paths


def _around(manifest: dict[str, Any]) -> list[str]:
    """Files of SystemVerilog around a design; a manifest written by hand need not have them."""
    return [name for name in (manifest.get("package"), manifest.get("axi_stream")) if name]


def _find_manifest(path: Path) -> Path:
    if not path.is_dir():
        return path
    manifests = sorted(found for found in path.glob("*.json") if found.with_suffix(".vlt").exists())
    if not manifests:
        raise PathError(f"{path} holds no emitted design (no manifest with its .vlt file)")
    if len(manifests) > 1:
        raise ConfigError(f"{path} holds several manifests: name one of {', '.join(m.name for m in manifests)}")
    return manifests[0]
