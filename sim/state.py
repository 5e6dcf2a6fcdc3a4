"""A model's state for the parts of a compiled function: by its address.

A NamedTuple of arrays is hundreds of numbers to numba, and each call of a part would hand over all of them, which is
most of what the compiler of the largest model was at.
"""

import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_getattr_generic, register_model

__all__ = ["State", "by_address"]


class State(types.Type):
    """Numba's type of an address, of a tuple that doesn't change."""

    def __init__(self, whole: Any) -> None:
        self.whole = whole
        super().__init__(name=f"State({whole})")


@register_model(State)
class _Address(models.PrimitiveModel):
    def __init__(self, manager: Any, of: State) -> None:
        super().__init__(manager, of, manager[of.whole].get_value_type().as_pointer())


def _by_address(_context: Any, whole: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return cgutils.alloca_once_value(builder, values[0])

    return State(whole)(whole), generate


by_address: Any = intrinsic(_by_address)
"""A tuple's address, for the time in which the calling function runs.

What parts get from it by name or number is the same as from the tuple, or the address of a tuple within.
"""


def _seen(kind: Any) -> Any:
    """Type in which parts see a field."""
    return State(kind) if isinstance(kind, types.BaseTuple) else kind


def _found(builder: Any, address: Any, kind: Any) -> Any:
    return address if isinstance(kind, types.BaseTuple) else builder.load(address)


@infer_getattr
class _Fields(AttributeTemplate):
    key = State

    def generic_resolve(self, state: State, name: str) -> Any:
        fields = getattr(state.whole, "fields", ())
        return _seen(state.whole[fields.index(name)]) if name in fields else None


@lower_getattr_generic(State)
def _field(_context: Any, builder: Any, state: State, address: Any, name: str) -> Any:
    number = state.whole.fields.index(name)
    return _found(builder, cgutils.gep_inbounds(builder, address, 0, number), state.whole[number])


OF_ITEMS: Any = infer_global


@OF_ITEMS(operator.getitem)
class _Items(AbstractTemplate):
    key = operator.getitem

    def generic(self, arguments: Any, _keywords: Any) -> Any:
        state, number = arguments
        if isinstance(state, State) and isinstance(state.whole, types.UniTuple) and isinstance(number, types.Integer):
            return signature(_seen(state.whole.dtype), state, types.intp)
        return None


@lower_builtin(operator.getitem, State, types.Integer)
def _item(_context: Any, builder: Any, call: Any, arguments: Any) -> Any:
    zero = ir.Constant(ir.IntType(32), 0)
    return _found(builder, builder.gep(arguments[0], [zero, arguments[1]], inbounds=True), call.args[0].whole.dtype)
