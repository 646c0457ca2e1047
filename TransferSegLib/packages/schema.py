"""JSON schemas made from dataclasses, and checking data against them."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any


def check_schema(data: Any, schema: dict[str, Any], name: str) -> str | None:
    """The first way in which ``data`` breaks ``schema`` (the subset that ``json_schema`` writes), or None."""
    kinds = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "object": dict,
        "array": (list, tuple),
    }
    kind = schema.get("type")
    if kind and (not isinstance(data, kinds[kind]) or (isinstance(data, bool) and kind != "boolean")):
        return f"{name} is not of type {kind}"
    if "enum" in schema and data not in schema["enum"]:
        return f"{name} is {data!r}, expected one of {', '.join(map(str, schema['enum']))}"
    if kind in ("integer", "number"):
        if data < schema.get("minimum", data) or data > schema.get("maximum", data):
            return f"{name} is {data}, outside its range"
        if "exclusiveMaximum" in schema and data >= schema["exclusiveMaximum"]:
            return f"{name} is {data}, outside its range"
    if kind == "array":
        if not schema.get("minItems", 0) <= len(data) <= schema.get("maxItems", len(data)):
            return f"{name} has {len(data)} entries"
        checks = ((f"{name}[{n}]", item, schema.get("items", {})) for n, item in enumerate(data))
    elif kind == "object":
        missing = [key for key in schema.get("required", ()) if key not in data]
        if missing:
            return f"{name} lacks {', '.join(missing)}"
        properties = schema.get("properties", {})
        checks = ((f"{name}.{key}", value, properties[key]) for key, value in data.items() if key in properties)
    else:
        return None
    return next((p for p in (check_schema(v, s, n) for n, v, s in checks) if p is not None), None)


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a type: a dataclass, a tuple of one kind, a dict or a plain value."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        fields = dataclasses.fields(kind)
        required = [
            f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        ]
        return {
            "type": "object",
            "required": required,
            "properties": {f.name: schema_of(hints[f.name]) for f in fields},
        }
    if origin is tuple:
        return {"type": "array", "items": schema_of(inner[0])}
    if origin is dict or kind is dict:
        return {"type": "object"}
    if origin in (typing.Union, types.UnionType) or kind is Any:
        return {}
    return {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[kind]}


def from_json(value: Any, kind: Any) -> Any:
    """A value of that type from JSON that its schema has checked; keys that are not known are left out."""
    if typing.get_origin(kind) is tuple:
        return tuple(from_json(item, typing.get_args(kind)[0]) for item in value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{key: from_json(item, hints[key]) for key, item in value.items() if key in hints})
    return value
