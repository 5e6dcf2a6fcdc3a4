"""Base of every engine's configuration: validation, derived values, TOML."""

import abc
import dataclasses
import tomllib
import typing
from typing import Any, Self

import tomli_w

__all__ = ["PORT_BITS", "Config", "ConfigError", "check", "check_int", "parse_assignments", "parse_toml"]

PORT_BITS = 1 << 16
"""Bits that a port may have: what Verilog promises, and Amaranth allows."""


class ConfigError(ValueError):
    """A configuration value that breaks a rule: ``<field> must be <rule>, not <value>``."""


def check(field: str, condition: bool, rule: str, value: object) -> None:
    """Raise `ConfigError` saying field, rule and value unless `condition` holds."""
    if not condition:
        raise ConfigError(f"{field} must be {rule}, not {value!r}")


def check_int(field: str, value: object, low: int, high: int | None = None) -> None:
    """Check that `value` is an integer from `low` to `high` (inclusive).

    Raises
    ------
    TypeError
        If it is not an integer (a bool is not).
    ConfigError
        If it is out of range.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{field} must be an integer, not {value!r}")
    rule = f"an integer from {low} to {high}" if high is not None else f"an integer of at least {low}"
    check(field, value >= low and (high is None or value <= high), rule, value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(abc.ABC):
    """An engine's parameters: frozen, hashable, the only place where a number lives.

    A subclass adds fields with defaults and validates them in ``__post_init__``.
    """

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
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from plain values; an unknown field or a value of a wrong type is a `ConfigError`."""
        types = cls.field_types()
        for name in values:
            if name not in types:
                raise ConfigError(f"field must be one of {', '.join(types)}, not {name!r}")
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(str(error)) from None

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
        """A copy with some fields changed (validated again)."""
        return self.from_dict(self.to_dict() | changes)


def parse_assignments(cls: type[Config], assignments: list[str]) -> dict[str, Any]:
    """Turn ``["rows=32", ...]`` into values of the types that `cls` declares.

    Raises
    ------
    ConfigError
        For a missing ``=``, an unknown field, or text that is not a value of the field's type.
    """
    types = cls.field_types()
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        name, text = name.strip(), text.strip()
        if not separator:
            raise ConfigError(f"assignment must be of the form field=value, not {assignment!r}")
        if name not in types:
            raise ConfigError(f"field must be one of {', '.join(types)}, not {name!r}")
        values[name] = _parse_value(name, types[name], text)
    return values


def _parse_value(name: str, kind: type, text: str) -> Any:
    if kind is bool:
        check(name, text.lower() in ("true", "false"), "true or false", text)
        return text.lower() == "true"
    if kind is int:
        try:
            return int(text, 0)
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
