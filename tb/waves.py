"""Samples of what is inside a component, from the waveforms of Amaranth's simulator."""

from collections.abc import Collection
from pathlib import Path

from vcd.reader import ScalarChange, TokenKind, VarDecl, VectorChange, tokenize

__all__ = ["read_samples"]

ROOT = "bench.top.dut."
"""Where `amaranth_bench.simulate` has the component."""


def read_samples(path: Path, names: Collection[str]) -> list[dict[str, int]]:
    """Bits of signals right before each rising edge of the clock at which there is no reset.

    Parameters
    ----------
    path
        Waveforms of `tb.amaranth_bench.simulate`.
    names
        Signals and rows of memories, with dots behind the submodules: ``mesh.o_psums``, ``bank.memory[3]``. A signal is
        in the modules that use it.

    Raises
    ------
    ValueError
        Naming the signals that there aren't.
    """
    scopes: list[str] = []
    codes: dict[str, str] = {}
    values: dict[str, int] = {}
    samples: list[dict[str, int]] = []
    with path.open("rb") as file:
        for token in tokenize(file):
            match token.data:
                case VarDecl():
                    name = ".".join([*scopes, token.data.reference]).removeprefix(ROOT)
                    if name in names or name in ("clk", "rst"):
                        codes[name] = token.data.id_code
                case ScalarChange() | VectorChange():
                    change = token.data
                    if change.id_code == codes["clk"] and change.value == "1" and not values[codes["rst"]]:
                        samples.append({name: values[codes[name]] for name in names})
                    values[change.id_code] = int(change.value)
            if token.kind is TokenKind.SCOPE:
                scopes.append(token.scope.ident)
            elif token.kind is TokenKind.UPSCOPE:
                scopes.pop()
            elif token.kind is TokenKind.ENDDEFINITIONS and (missing := set(names) - set(codes)):
                raise ValueError(f"the component must have {', '.join(sorted(missing))}")
    return samples
