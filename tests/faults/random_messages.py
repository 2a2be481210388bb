"""Random protobuf messages: valid by the rules of the contract, with extreme values, or damaged."""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from buf.validate import validate_pb2
from google.api import field_behavior_pb2  # type: ignore[import-untyped]
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.message import Message

MAX_DEPTH = 6
FLOOD_ELEMENTS = 100_000
INT_LIMITS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
EXTREME_FLOATS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -0.0, 2.0**53 + 1, -1.0, 0.0)
EXTREME_TEXTS = (
    "",
    "\0",
    "a\0b",
    "\x01\x08\x1b\x1f",
    "\x7f\x85\u2028\u202e\ufeff",
    "\ufffe\uffff\U0010ffff",
    "x" * 65_536,
    "\u00e9" * 5_000,
    "\U0001f409" * 101,
    "../../../etc/passwd",
    "<svg onload='x'>&amp;]]></svg>",
    "'; DROP TABLE record; --",
    "%s%n{0}{}$HOME",
    "\n\r\n",
    " ",
    "NaN",
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
)
EXTREME_PATHS = ("", "*", ".", "a..b", "theme", "portrait.theme", "tactical_map.grid.size", "size", "x" * 10_000, "\0")
COLORS = ("#fff", "#12345678", "#AbCdEf", "red", "rebeccapurple")
WORDS = ("stone", "altar", "half-elf", "Zwei Wölfe", "龍", "old & <worn>", "a\tb", "O'Neill")


@cache
def rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    """Return the validation rules of a field."""
    rules: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]  # type: ignore[index]
    return rules


@cache
def _is_required(field: FieldDescriptor) -> bool:
    behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviors or rules_of(field).required


@cache
def _is_required_oneof(oneof: OneofDescriptor) -> bool:
    rules: validate_pb2.OneofRules = oneof.GetOptions().Extensions[validate_pb2.oneof]  # type: ignore[index]
    return rules.required


class RandomMessages:
    """Creates messages of any type."""

    def __init__(
        self, rng: random.Random, samples: Mapping[str, Sequence[str]], *, extreme: float, deep: bool = True
    ) -> None:
        """`samples` are values of text fields by field name; `extreme` is the share of fields with extreme values."""
        self._rng, self._samples, self._extreme, self._deep = rng, samples, extreme, deep

    def create(self, descriptor: Descriptor, depth: int = 0) -> Message:
        """Return a message of this type."""
        message = message_factory.GetMessageClass(descriptor)()
        if self._fill_well_known(message):
            return message
        fields = [field for field in descriptor.fields if field.containing_oneof is None]
        fields += [
            self._rng.choice(oneof.fields)
            for oneof in descriptor.oneofs
            if _is_required_oneof(oneof) or self._rng.random() < 0.8
        ]
        for field in fields:
            nested = field.message_type is not None and depth >= MAX_DEPTH
            if not nested and self._is_set(field):
                self._set(message, field, depth)
        return message

    def _is_set(self, field: FieldDescriptor) -> bool:
        if _is_required(field) or field.containing_oneof is not None:
            return self._rng.random() >= self._extreme / 4
        return self._rng.random() < 0.4

    def _set(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            self._set_map(message, field, depth)
        elif field.is_repeated:
            self._set_repeated(message, field, depth)
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(self.create(field.message_type, depth + 1))
        else:
            setattr(message, field.name, self._scalar(field, rules_of(field)))

    def _set_map(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))  # type: ignore[union-attr]
        entries = getattr(message, field.name)
        for _ in range(self._rng.choice((0, 1, 2, 40 if self._is_extreme() else 3))):
            name = self._scalar(key, rules_of(field).map.keys)
            if value.message_type is not None:
                entries[name].CopyFrom(self.create(value.message_type, depth + 1))
            else:
                entries[name] = self._scalar(value, rules_of(field).map.values)

    def _set_repeated(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        rules, values = rules_of(field).repeated, getattr(message, field.name)
        count = rules.min_items + self._rng.choice((0, 1, 1, 2, 3))
        if field.message_type is not None:
            values.extend(self.create(field.message_type, depth + 1) for _ in range(count))
        else:
            scalars = [self._scalar(field, rules.items) for _ in range(count)]
            values.extend(dict.fromkeys(scalars) if rules.unique else scalars)
        if values and self._is_extreme():  # too many, or duplicates
            values.extend([values[0]] * self._rng.choice((1, 100, 2_001)))

    def _is_extreme(self) -> bool:
        return self._rng.random() < self._extreme

    def _scalar(self, field: FieldDescriptor, rules: validate_pb2.FieldRules) -> Any:
        extreme = self._is_extreme()
        match field.cpp_type:
            case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
                return self._rng.randbytes(self._rng.choice((0, 1, 100, 1_048_577 if extreme else 10)))
            case FieldDescriptor.CPPTYPE_STRING:
                return self._rng.choice(EXTREME_TEXTS) if extreme else self._text(field, rules.string)
            case FieldDescriptor.CPPTYPE_BOOL:
                return self._rng.random() < 0.5
            case FieldDescriptor.CPPTYPE_ENUM:
                return self._enum(field, rules.enum, extreme)
            case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
                return self._rng.choice(EXTREME_FLOATS) if extreme else self._number(rules.double, -1e6, 1e6)
        low, high = INT_LIMITS[field.cpp_type]
        if extreme:
            return self._rng.choice((low, high, low + 1, high - 1, max(low, -1), 0))
        return int(self._number(getattr(rules, _rule_name(field)), low, high))

    def _text(self, field: FieldDescriptor, rules: validate_pb2.StringRules) -> str:
        samples = self._samples.get(field.name, ())
        if samples and self._rng.random() < 0.85:
            return self._rng.choice(samples)
        if rules.uuid:
            return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        if rules.pattern.startswith("^[a-z0-9_]"):  # the name of a theme
            return self._rng.choice(("fantasy", "horror", f"theme_{self._rng.randrange(10**6)}"))
        if rules.pattern.startswith("^[!-~]"):  # one character
            return self._rng.choice("#.:~o")
        if rules.pattern:
            return self._rng.choice(COLORS) if "#" in rules.pattern else self._rng.randbytes(32).hex()
        text = " ".join(self._rng.choices(WORDS, k=self._rng.randrange(4)))
        longest = rules.max_len if rules.HasField("max_len") else 100
        return text[:longest].ljust(rules.min_len, "x")

    def _enum(self, field: FieldDescriptor, rules: validate_pb2.EnumRules, extreme: bool) -> int:
        if extreme:
            return self._rng.choice((-1, 999, 2**31 - 1, -(2**31)))
        assert field.enum_type is not None
        numbers: Sequence[int] = getattr(rules, "in") or [value.number for value in field.enum_type.values]
        return self._rng.choice([number for number in numbers if number not in rules.not_in])

    def _number(self, rules: Any, low: float, high: float) -> float:
        """Return a number that the rules allow, mostly a small one."""
        for name in ("gte", "gt"):
            low = getattr(rules, name) if rules.HasField(name) else low
        for name in ("lte", "lt"):
            high = getattr(rules, name) if rules.HasField(name) else high
        if self._rng.random() < 0.03:
            return high if self._rng.random() < 0.5 else low
        base = max(low, min(high, 0))
        step = self._rng.choice((0, 0, 1, 2, self._rng.random() * 12, self._rng.randrange(64)))
        return float(min(high, base + (step or rules.HasField("gt"))))

    def _fill_well_known(self, message: Any) -> bool:
        """Fill a message whose fields have no rules; False if it is not one."""
        rng, extreme = self._rng, self._is_extreme()
        match message.DESCRIPTOR.full_name:
            case "google.protobuf.Duration" | "google.protobuf.Timestamp":
                message.seconds = rng.choice((2**63 - 1, -(2**63), 10**12, -1, 601)) if extreme else rng.choice((0, 1))
                message.nanos = rng.choice((2**31 - 1, -1, 10**9)) if extreme else rng.randrange(10**9)
            case "google.protobuf.FieldMask":
                paths = [*EXTREME_PATHS, *self._samples.get("update_mask", ())] if extreme else self._paths()
                message.paths.extend(rng.choices(paths, k=rng.choice((0, 1, 3, 1_000 if extreme else 2))))
            case "google.protobuf.Struct":
                depth = 200 if extreme and self._deep and rng.random() < 0.1 else rng.randrange(4)
                value: Any = rng.choice((None, True, "x", [], {}, 1e300))
                for _ in range(depth):
                    value = {rng.choice(("hair", "equipment", "a\0", "")): [value]}
                message.update(value if isinstance(value, dict) else {"appearance": value})
            case _:
                return False
        return True

    def _paths(self) -> Sequence[str]:
        return self._samples.get("update_mask") or ("theme", "details")


@cache
def _rule_name(field: FieldDescriptor) -> str:
    return {
        FieldDescriptor.CPPTYPE_INT32: "int32",
        FieldDescriptor.CPPTYPE_INT64: "int64",
        FieldDescriptor.CPPTYPE_UINT32: "uint32",
        FieldDescriptor.CPPTYPE_UINT64: "uint64",
    }[field.cpp_type]


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Return serialized bytes with one to five changes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 5)):
        start = rng.randrange(len(changed) + 1)
        end = min(len(changed), start + rng.choice((1, 2, 8, 50)))
        match rng.randrange(7):
            case 0 if changed:
                changed[start % len(changed)] ^= 1 << rng.randrange(8)
            case 1:
                changed[start:start] = rng.randbytes(rng.choice((1, 4, 30)))
            case 2:
                del changed[start:end]
            case 3:
                changed[start:start] = changed[start:end]
            case 4:
                del changed[start:]
            case 5:
                changed[start:start] = b"\xff" * 9 + b"\x01"  # a varint of 64 bits
            case 6:
                changed[start:start] = b"\x0b" * rng.choice((1, 50, 1_000))  # groups within groups
    return bytes(changed)


def random_bytes(rng: random.Random) -> bytes:
    """Return bytes that are no message, mostly few."""
    return rng.randbytes(rng.choice((0, 1, 2, 10, 100, 1_000, 5_000_000 if rng.random() < 0.01 else 50)))


def flood(rng: random.Random, descriptor: Descriptor) -> bytes:
    """Return a small serialized message with very many empty elements in one of its repeated fields."""
    path = rng.choice(_repeated_fields(descriptor, 3) or [()])
    data = b""
    for index, field in enumerate(reversed(path)):
        data = _delimited(field, b"") * FLOOD_ELEMENTS if index == 0 else _delimited(field, data)
    return data


def _repeated_fields(descriptor: Descriptor, depth: int) -> Sequence[tuple[FieldDescriptor, ...]]:
    """Return the paths of the repeated fields in a message and its submessages."""
    paths: list[tuple[FieldDescriptor, ...]] = []
    for field in descriptor.fields:
        if field.is_repeated and field.cpp_type in (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_MESSAGE):
            paths.append((field,))
        elif field.message_type is not None and not field.is_repeated and depth > 0:
            paths += [(field, *path) for path in _repeated_fields(field.message_type, depth - 1)]
    return paths


def _delimited(field: FieldDescriptor, data: bytes) -> bytes:
    return _varint(field.number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
