"""Base of every engine's configuration: validation, derived values, TOML."""

import abc
import dataclasses
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeGuard

import tomli_w

from .errors import ConfigError, did_you_mean, wrong_type

__all__ = [
    "PORT_BITS",
    "Config",
    "ConfigError",
    "check",
    "check_bool",
    "check_int",
    "check_number",
    "parse_assignments",
    "parse_toml",
    "plain",
]

PORT_BITS = 1 << 16
"""Bits that a port may have: what Verilog promises, and Amaranth allows."""


def plain(value: Any) -> Any:
    """A number or bool of numpy as one of Python's own; anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def check(field: str, condition: bool, rule: str, value: object) -> None:
    """Raise `ConfigError` saying field, rule and value unless `condition` holds."""
    if not condition:
        raise ConfigError(f"{field} must be {rule}, not {value!r}", field=field, value=value)


def check_bool(field: str, value: object) -> bool:
    """Return `value`, which may be one of numpy's, if it is a bool.

    Raises
    ------
    WrongTypeError
        If it is not.
    """
    value = plain(value)
    if not isinstance(value, bool):
        raise wrong_type(field, "true or false", value)
    return value


def check_int(field: str, value: object, low: int, high: int | None = None) -> int:
    """Return `value`, which may be one of numpy's, if it is an integer from `low` to `high` (inclusive).

    Raises
    ------
    WrongTypeError
        If it is not an integer (a bool is not).
    ConfigError
        If it is out of range.
    """
    value = plain(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(field, "an integer", value)
    rule = f"an integer from {low} to {high}" if high is not None else f"an integer of at least {low}"
    check(field, value >= low and (high is None or value <= high), rule, value)
    return value


def check_number(field: str, value: object, low: float, high: float) -> float:
    """Return `value`, which may be one of numpy's, if it is a number from `low` to `high` (inclusive).

    Raises
    ------
    WrongTypeError
        If it is not a number (a bool is not).
    ConfigError
        If it is out of range.
    """
    value = plain(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise wrong_type(field, "a number", value)
    check(field, low <= value <= high, f"from {low:g} to {high:g}", value)
    return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(abc.ABC):
    """An engine's parameters: frozen, hashable, the only place where a number lives.

    A subclass adds fields with defaults and validates them in ``__post_init__``, after that of this class.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))

    @property
    @abc.abstractmethod
    def multipliers(self) -> int:
        """Multipliers of the whole machine."""

    def warnings(self) -> list[str]:
        """What to know before this configuration is emitted and compiled, a sentence each; mostly nothing."""
        return []

    @classmethod
    def field_types(cls) -> dict[str, type]:
        """Names and types of the fields, in the order of definition."""
        hints = typing.get_type_hints(cls)
        return {field.name: hints[field.name] for field in dataclasses.fields(cls)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from plain values, a field that is a configuration from a dict of its own.

        Raises
        ------
        ConfigError
            For an unknown field, and a value of a wrong type or that breaks a rule.
        """
        return cls(**cls._typed(values))

    @classmethod
    def _typed(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the fields hold them: configurations made of dicts."""
        types, typed = cls.field_types(), dict(values)
        for name, value in values.items():
            _check_field(types, name)
            if _is_config(types[name]) and not isinstance(value, types[name]):
                check(name, isinstance(value, Mapping), _spelling(name, types[name]), value)
                with _prefixed(name):
                    typed[name] = types[name].from_dict(value)
        return typed

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Build from TOML text with one ``field = value`` a line."""
        return cls.from_dict(parse_toml(text))

    def to_dict(self) -> dict[str, Any]:
        """Plain values by field name."""
        return dataclasses.asdict(self)

    def to_toml(self) -> str:
        """TOML text from which `from_toml` rebuilds an equal configuration."""
        return tomli_w.dumps(self.to_dict())

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed (validated again).

        A field that is a configuration takes a whole one, or a dict of the fields to change in it; a single one of
        these may also be given as ``**{"core.core_rows": 5}``.
        """
        types, changed = self.field_types(), _nested(changes)
        for name, value in changed.items():
            _check_field(types, name)
            if _is_config(types[name]) and isinstance(value, Mapping):
                with _prefixed(name):
                    changed[name] = getattr(self, name).replace(**value)
        return self.from_dict({field: getattr(self, field) for field in types} | changed)


def _is_config(kind: Any) -> TypeGuard[type[Config]]:
    return isinstance(kind, type) and issubclass(kind, Config)


def _check_field(types: Mapping[str, Any], name: str) -> None:
    if name not in types:
        inner = [f"{owner}.{name}" for owner, kind in types.items() if _is_config(kind) and name in kind.field_types()]
        hint = f"did you mean {inner[0]}?" if inner else did_you_mean(name, types)
        raise ConfigError(f"field must be one of {', '.join(types)}, not {name!r}", hint)


def _spelling(name: str, kind: type[Config]) -> str:
    """How fields of a configuration inside another one are given."""
    return f"set field by field, such as {name}.{next(iter(kind.field_types()))}"


def _nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """``{"core.core_rows": 5}`` as ``{"core": {"core_rows": 5}}``."""
    nested: dict[str, Any] = {}
    for name, value in changes.items():
        owner, dot, field = name.partition(".")
        if not dot:
            check(name, name not in nested, "given once", value)
            nested[name] = value
        else:
            inner = nested.setdefault(owner, {})
            check(name, isinstance(inner, Mapping), f"left out beside a whole {owner}", value)
            nested[owner] = {**inner, field: value}
    return nested


@contextmanager
def _prefixed(name: str) -> Iterator[None]:
    """Put the name of the field that holds a configuration before what is wrong in it."""
    try:
        yield
    except ConfigError as error:
        field = f"{name}.{error.field}" if error.field else ""
        raise type(error)(f"{name}.{error}", error.hint, field=field, value=error.value) from None


def parse_assignments(cls: type[Config], assignments: Sequence[str]) -> dict[str, Any]:
    """Turn ``["rows=32", "core.aim_entries=16", ...]`` into what `Config.replace` takes.

    Raises
    ------
    ConfigError
        For a missing ``=``, an unknown field, or text that is not a value of the field's type.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        check("assignment", bool(separator), "of the form field=value", assignment)
        owner, place = cls, values
        *path, field = (part.strip() for part in name.split("."))
        for part in path:
            _check_field(owner.field_types(), part)
            inner = owner.field_types()[part]
            if not _is_config(inner):
                raise ConfigError(f"{name.strip()} must be a field, not a part of {part}, which has none")
            owner, place = inner, place.setdefault(part, {})
        _check_field(owner.field_types(), field)
        kind = owner.field_types()[field]
        if _is_config(kind):
            raise ConfigError(f"{name.strip()} must be {_spelling(name.strip(), kind)}")
        place[field] = _parse_value(name.strip(), kind, text.strip())
    return values


def _parse_value(name: str, kind: type, text: str) -> Any:
    if kind is bool:
        check(name, text.lower() in ("true", "false"), "true or false", text)
        return text.lower() == "true"
    if kind is int:
        try:
            return int(text if text.isascii() else "", 0)
        except ValueError:
            raise ConfigError(f"{name} must be an integer, not {text!r}") from None
    return text


def parse_toml(text: str) -> dict[str, Any]:
    """Values of TOML text.

    Raises
    ------
    ConfigError
        If it isn't valid.
    """
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(f"configuration must be valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError("configuration must be one field = value a line: it is nested too deeply") from None
