# amaranth: UnusedElaboratable=no
"""The mark that tells the emitter which submodules are one module with many instances."""

from typing import TYPE_CHECKING, Any, Protocol

from amaranth.hdl import Elaboratable, Instance, ResetInserter, Value
from amaranth.lib import wiring

from . import tracing as tracing  # before any component makes a signal

if TYPE_CHECKING:
    from amaranth_types import HasElaborate  # comes with the stubs, which users don't have

__all__ = ["Shared", "SharingPlatform", "shared"]


class SharingPlatform(Protocol):
    """What `elaborate` receives as its platform while Verilog is emitted."""

    def instance_of(self, shared: "Shared") -> Instance:
        """An instance of the one module that implements `shared`."""
        ...


class Shared(Elaboratable):
    """A component that is one module in Verilog and a plain submodule everywhere else.

    Parameters
    ----------
    component
        Any Amaranth component. Its ports are used as they are by the parent.
    config
        Hashable; together with the class it is the identity of the module. Two components of equal
        class and config must describe the same hardware.
    hier_block
        Ask Verilator to verilate the module on its own (worthwhile from a few hundred instances of
        something big).
    reset
        What resets it at the next edge, beside the reset of all.
    """

    def __init__(
        self, component: wiring.Component, config: Any, *, hier_block: bool = False, reset: Value | None = None
    ):
        if not isinstance(component, wiring.Component):
            raise TypeError(f"component must be an Amaranth component, not {component!r}")
        hash(config)  # an unhashable config fails here, where the mistake is
        self.component = component
        self.config = config
        self.hier_block = hier_block
        self.reset = reset

    @property
    def key(self) -> tuple[type, Any]:
        """Identity of the module: class and config."""
        return type(self.component), self.config

    def elaborate(self, platform: Any) -> "HasElaborate":
        """The component itself, or an instance of its module if `platform` is an emitter."""
        if hasattr(platform, "instance_of"):
            _mark_used(self.component)
            return platform.instance_of(self)
        if self.reset is not None:
            return ResetInserter(self.reset)(self.component)
        return self.component  # pyrefly: ignore[bad-return]  # the stubs' Component has no elaborate


def _mark_used(held: Any) -> None:
    """A component, and parts that it holds, may only have served as the names of its ports: no warning for that."""
    if isinstance(held, Elaboratable):
        if held._MustUse__used:
            return
        held._MustUse__used = True
        held = list(vars(held).values())
    for one in held if isinstance(held, list | tuple) else ():
        _mark_used(one)


def shared(
    component: wiring.Component, config: Any = None, *, hier_block: bool = False, reset: Value | None = None
) -> Shared:
    """Mark a submodule as shared: ``m.submodules.pe = shared(pe)``.

    Without `config` the component's own ``config`` attribute is the identity. `reset` resets this instance, beside the
    reset of all.

    Raises
    ------
    TypeError
        If `component` is no component, has no ``config``, or the config is not hashable.
    """
    if config is None:
        config = getattr(component, "config", None)
        if config is None:
            raise TypeError(f"component must have a config attribute or be given one, not {component!r}")
    return Shared(component, config, hier_block=hier_block, reset=reset)
