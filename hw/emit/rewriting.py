"""Changes of emitted Verilog, module by module."""

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["rewrite_modules"]


def rewrite_modules(
    verilog: Mapping[str, str], manifest: Mapping[str, Any], name: str, rewrite: Callable[[Mapping[str, Any], str], str]
) -> dict[str, str]:
    """Put others in place of all modules of a class.

    Parameters
    ----------
    verilog, manifest
        Of an emission: text by file name, and what is in it.
    name
        The class.
    rewrite
        Makes a module's new text from its entry in the manifest and its text.
    """
    result = dict(verilog)
    for module in manifest["modules"]:
        if module["class"].rpartition(".")[2] == name:
            pattern = re.compile(rf"^module {re.escape(module['name'])}\(.*?^endmodule\n", re.MULTILINE | re.DOTALL)
            for file, text in result.items():
                result[file] = pattern.sub(lambda match, module=module: rewrite(module, match[0]), text)
    return result
