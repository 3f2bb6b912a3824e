"""Untrusted bytes -> `Manifest`, with every fault named in one line; and back."""

from __future__ import annotations

import contextlib
import re
import types
from collections.abc import Iterator
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from edge.bundle.bundle_paths import MANIFEST_NAME
from edge.bundle.faults import FaultList, shown
from edge.bundle.manifest import FORMAT, Manifest, ModelMetadata
from edge.bundle.manifest_checks import check_manifest, check_tensors
from edge.errors import ManifestError

__all__ = [
    "MAX_MANIFEST_BYTES",
    "manifest_to_json",
    "model_metadata_to_json",
    "parse_manifest",
    "parse_model_metadata",
]

MAX_MANIFEST_BYTES = 4 * 2**20

_Typed = TypeVar("_Typed", Manifest, ModelMetadata)

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALARS = {str: "text", int: "an integer", float: "a number", bool: "true or false"}


def parse_manifest(data: bytes) -> Manifest:
    """Read and check a manifest.

    Args:
        data: the bytes of `manifest.json`; anything at all may be in them.

    Returns:
        A manifest whose values have the right types and agree with each other. That its files
        exist is for `edge.bundle.reader` to check.

    Raises:
        ManifestError: the bytes are too many, not strict JSON (duplicate keys, NaN and nesting
            beyond the interpreter's limit included), of another format, or wrong in the ways
            that the message lists (at most `MAX_SHOWN` are spelt out).
    """
    manifest = _parse(data, Manifest, MANIFEST_NAME)
    faults = FaultList()
    check_manifest(manifest, faults)
    _raise(faults, MANIFEST_NAME)
    return manifest


def parse_model_metadata(data: bytes) -> ModelMetadata:
    """Read and check the part of a manifest that a model file carries; as `parse_manifest`.

    Raises:
        ManifestError: as `parse_manifest`.
    """
    metadata = _parse(data, ModelMetadata, "model metadata")
    faults = FaultList()
    check_tensors(metadata.inputs, metadata.outputs, faults)
    _raise(faults, "model metadata")
    return metadata


def manifest_to_json(manifest: Manifest) -> bytes:
    """Write a manifest: UTF-8, indented, files sorted by path, the same bytes every time.

    Raises:
        ManifestError: text in it cannot be written as UTF-8.
    """
    files = tuple(sorted(manifest.files, key=lambda each: each.path))
    data = _encode(msgspec.structs.replace(manifest, files=files))
    return msgspec.json.format(data, indent=2) + b"\n"


def model_metadata_to_json(metadata: ModelMetadata) -> bytes:
    """Write what a model file carries: UTF-8 on one line, the same bytes every time.

    Raises:
        ManifestError: text in it cannot be written as UTF-8.
    """
    return _encode(metadata)


def _encode(part: Manifest | ModelMetadata) -> bytes:
    try:
        return msgspec.json.encode(part, order="deterministic")
    except UnicodeEncodeError as error:
        raise ManifestError(
            f"manifest text {shown(error.object)} is not valid Unicode; write it as UTF-8"
        ) from error


def _parse(data: bytes, kind: type[_Typed], what: str) -> _Typed:
    """Turn bytes into a typed value; `what` is what messages call it."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestError(f"{what} has {len(data)} bytes; at most {MAX_MANIFEST_BYTES} are read")
    raw = _decode(data, what)
    if not isinstance(raw, dict):
        raise ManifestError(f"{what} must be an object, not {shown(raw)}")
    _check_format(raw, what)
    _check_duplicate_keys(data, raw, what)
    return _convert(raw, kind, what)


def _decode(data: bytes, what: str) -> object:
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:  # DecodeError and UnicodeDecodeError included
        raise ManifestError(f"{what} is not JSON: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    """A library's message, which may quote the input, in printable characters."""
    text = str(error)
    return text if text.isprintable() and len(text) < 200 else shown(text, 200)  # noqa: PLR2004


def _check_format(raw: dict[str, Any], what: str) -> None:
    """Look at the version before anything else: later formats may change all other keys."""
    number = raw.get("format")
    if number == FORMAT and type(number) is int:
        return
    if type(number) is int and number > FORMAT:
        raise ManifestError(
            f"{what} is format {shown(number)}; this runtime reads format {FORMAT}; upgrade edgedx"
        )
    seen = f"is {shown(number)}" if "format" in raw else "is missing"
    raise ManifestError(f'{what}: "format" {seen}; it must be {FORMAT}')


def _check_duplicate_keys(data: bytes, raw: object, what: str) -> None:
    """Refuse an object that names a key twice: readers differ in which value they take.

    The text is known to be well formed, so outside its strings there is one colon for each key
    written; decoded objects hold each key once. Only where the counts differ is it read again.
    """
    if _STRING.sub(b"", data).count(b":") == sum(map(len, _objects(raw))):
        return
    import json

    repeated: dict[str, None] = {}

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys: set[str] = set()
        for key, _ in pairs:
            if key in keys:
                repeated[key] = None
            keys.add(key)
        return dict(pairs)

    with contextlib.suppress(ValueError, RecursionError):  # then the keys stay unnamed
        json.loads(data, object_pairs_hook=note)
    names = ", ".join(shown(key) for key in list(repeated)[:5])
    raise ManifestError(f"{what} repeats a key in one object: {names or '?'}; keep one")


def _objects(raw: object) -> Iterator[dict[str, Any]]:
    """Every JSON object in a decoded value, without recursion."""
    pending = [raw]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _convert(raw: dict[str, Any], kind: type[_Typed], what: str) -> _Typed:
    """Give every value its type; where one does not fit, find all that do not."""
    failure: msgspec.ValidationError
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        failure = error
    faults = FaultList()
    _find_faults(raw, kind, "", faults)
    _raise(faults, what)
    raise ManifestError(f"{what}: {_one_line(failure)}") from failure


def _raise(faults: FaultList, what: str) -> None:
    if faults:
        noun = "fault" if faults.count == 1 else "faults"
        raise ManifestError(f"{what} has {faults.count} {noun}: {faults}")


def _find_faults(value: Any, kind: Any, path: str, faults: FaultList) -> None:
    """Compare a decoded value with the type it should have, down to its leaves."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {types.UnionType, Union}:
        _find_union_faults(value, arguments, path, faults)
    elif origin is tuple:
        _find_array_faults(value, arguments, path, faults)
    elif origin is dict:
        if isinstance(value, dict):
            for key, each in value.items():
                _find_faults(each, arguments[1], f"{path}[{shown(key)}]", faults)
        else:
            faults.add(path, f"must be an object, not {shown(value)}")
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        _find_object_faults(value, kind, path, faults)
    else:
        _find_leaf_fault(value, kind, path, faults)


def _find_union_faults(
    value: Any, arguments: tuple[Any, ...], path: str, faults: FaultList
) -> None:
    """A type or null; or one of several objects, which the tag tells apart."""
    kinds = [each for each in arguments if each is not type(None)]
    if len(kinds) == 1:
        if value is not None:
            _find_faults(value, kinds[0], path, faults)
        return
    if not isinstance(value, dict):
        faults.add(path, f"must be an object, not {shown(value)}")
        return
    tags = {each.__struct_config__.tag: each for each in kinds}
    field = kinds[0].__struct_config__.tag_field
    tag = value.get(field)
    if field not in value:
        faults.add(f"{path}.{field}", "is missing")
    elif isinstance(tag, str) and tag in tags:
        _find_faults(value, tags[tag], path, faults)
    else:
        _find_choice_fault(tag, tuple(tags), f"{path}.{field}", faults)


def _find_array_faults(
    value: Any, arguments: tuple[Any, ...], path: str, faults: FaultList
) -> None:
    if not isinstance(value, list):
        faults.add(path, f"must be an array, not {shown(value)}")
        return
    is_open = len(arguments) == 2 and arguments[1] is Ellipsis  # noqa: PLR2004 - tuple[X, ...]
    if not is_open and len(value) != len(arguments):
        faults.add(path, f"must have {len(arguments)} elements, not {len(value)}")
    for index, each in enumerate(value):
        _find_faults(each, arguments[0], f"{path}[{index}]", faults)


def _find_object_faults(
    value: Any, kind: type[msgspec.Struct], path: str, faults: FaultList
) -> None:
    if not isinstance(value, dict):
        faults.add(path, f"must be an object, not {shown(value)}")
        return
    prefix = f"{path}." if path else ""
    config = kind.__struct_config__
    required = {each.encode_name: each.required for each in msgspec.structs.fields(kind)}
    if config.tag_field is not None:
        required[config.tag_field] = True
    for key in value:
        if key not in required:
            faults.add(prefix + shown(key), "is not a known key")
    for key, is_required in required.items():
        if is_required and key not in value:
            faults.add(prefix + key, "is missing")
    for each in msgspec.structs.fields(kind):
        if each.encode_name in value:
            _find_faults(value[each.encode_name], each.type, prefix + each.encode_name, faults)


def _find_leaf_fault(value: Any, kind: Any, path: str, faults: FaultList) -> None:
    if get_origin(kind) is Literal:
        _find_choice_fault(value, get_args(kind), path, faults)
        return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        faults.add(path, f"must be {_SCALARS[kind]}, not {shown(value)}")


def _find_choice_fault(value: Any, allowed: tuple[Any, ...], path: str, faults: FaultList) -> None:
    if not any(value == each and type(value) is type(each) for each in allowed):
        faults.add(path, f"must be {' or '.join(map(shown, allowed))}, not {shown(value)}")
