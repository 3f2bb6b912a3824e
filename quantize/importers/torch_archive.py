"""An untrusted `.pt2` archive -> the same archive without anything that runs code when loaded.

`torch.export.load` trusts its file: it unpickles weights, constants and sample inputs that say so,
evaluates shape expressions, resolves operator names to any attribute of `torch`, and compiles
Python source that it makes from tensor names and guards. So an archive is first read here, with
`zipfile` and `json` alone: what is pickled is refused or left out, every string that becomes code
must be a plain name, a known shape expression or an ATen operator, and only what passed is written
to the copy that torch is given.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from edge.errors import EdgeError, InputError, InputTooLargeError, UnsupportedInputError

__all__ = ["LARGEST_ARCHIVE_BYTES", "copy_safe_archive", "is_torch_export"]

LARGEST_ARCHIVE_BYTES = 2 * 1024**3
"""As much as an ONNX model may hold."""

_LARGEST_JSON_BYTES = 256 * 1024**2
_SAMPLES = "data/sample_inputs/model.pt"
_MODEL = "models/model.json"
_TABLES = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_KEPT = re.compile(
    r"data/weights/weight_\d+|data/constants/tensor_\d+|archive_format|archive_version|byteorder"
    r"|\.data/version|version"
)
_DROPPED = re.compile(r"extra/.*|\.data/serialization_id|\.format_version|\.storage_alignment")
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims|higher_order)\.\w+(\.\w+)?"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|neg|eq|ne|lt|le|gt|ge|getitem|and_|or_|not_)"
    r"|math\.(floor|ceil|trunc|sqrt)|torch\.sym_(float|int|ite|max|min|not|sqrt|sum)"
)
_EXPRESSION = re.compile(
    r"(?:\s|\d+(?:\.\d+)?|'?[suz]\d+'?|[-+*/(),<>=]"
    r"|Symbol|Integer|Rational|Float|Add|Mul|Pow|Max|Min|Mod|PythonMod|FloorDiv|CleanDiv|CeilDiv"
    r"|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|StrictLessThan|LessThan|StrictGreaterThan"
    r"|GreaterThan|And|Or|Not|positive|nonnegative|integer|real|precision|True|False)*"
)
_LONGEST_EXPRESSION = 1000
_PLAIN = re.compile(r"[\w.]*", re.ASCII)
_CONTAINERS = frozenset({None, "builtins.tuple", "builtins.list", "builtins.dict"})
_TREES = ("in_spec", "out_spec")


def is_torch_export(names: list[str]) -> bool:
    """Whether the members of a zip file are those of `torch.export.save`."""
    return any(
        name.partition("/")[2] == _MODEL or name == "serialized_exported_program.json"
        for name in names
    )


def copy_safe_archive(path: Path, target: BinaryIO) -> None:
    """Check an archive and write what torch may load.

    Args:
        path: the `.pt2` file.
        target: gets a new archive; sample inputs, metadata, guards and extra files are left out.

    Raises:
        UnsupportedInputError: something in it would run code, or is not of `torch.export.save`.
        InputTooLargeError: over 2 GiB unpacked.
        InputError: damaged.
    """
    try:
        with zipfile.ZipFile(path) as source:
            _copy(source, target)
    except EdgeError as error:
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:  # zipfile raises almost any kind on damaged bytes
        raise InputError(f"{path}: damaged .pt2 archive: {_one_line(error)}") from error


def _copy(source: zipfile.ZipFile, target: BinaryIO) -> None:
    members = source.infolist()
    if any(each.filename == "serialized_exported_program.json" for each in members):
        raise UnsupportedInputError(
            "written by an old torch.export, whose weights are pickled; save it again with "
            "PyTorch 2.9 or later"
        )
    top = next((each.filename.partition("/")[0] for each in members), "")
    if sum(each.file_size for each in members) > LARGEST_ARCHIVE_BYTES:
        raise InputTooLargeError(f"over {LARGEST_ARCHIVE_BYTES} bytes; no more is supported")
    inside = {each.filename.removeprefix(f"{top}/"): each for each in members}
    if len(inside) != len(members):
        raise InputError("two files of one name inside; it is damaged")
    for needed in (_MODEL, *_TABLES):
        if needed not in inside:
            raise InputError(f"no {needed} inside, so it is not what torch.export.save writes")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as copy:
        for name, member in inside.items():
            data = _checked(source, name, member)
            if data is not None:
                copy.writestr(zipfile.ZipInfo(f"model/{name}"), data)


def _checked(source: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> bytes | None:
    """The bytes to copy; None for what is left out."""
    if name == _SAMPLES:
        return b""
    if name == _MODEL:
        return _safe_model(_json_object(source, member))
    if name in _TABLES:
        return _safe_table(_json_object(source, member))
    if _KEPT.fullmatch(name):
        data = source.read(member)
        if len(data) != member.file_size:
            raise InputError(f"'{name}' is cut short")
        return data
    if _DROPPED.fullmatch(name):
        return None
    if name.startswith("data/aotinductor"):
        raise UnsupportedInputError(
            "it holds a compiled program; give what torch.export.save writes"
        )
    raise UnsupportedInputError(f"'{name}' inside is not what torch.export.save writes")


def _json_object(source: zipfile.ZipFile, member: zipfile.ZipInfo) -> dict[str, Any]:
    if member.file_size > _LARGEST_JSON_BYTES:
        raise InputTooLargeError(f"'{member.filename}' is over {_LARGEST_JSON_BYTES} bytes")
    value = json.loads(source.read(member))
    if not isinstance(value, dict):
        raise InputError(f"'{member.filename}' is a {type(value).__name__}, not an object")
    return value


def _safe_table(table: Mapping[str, Any]) -> bytes:
    """The list of weights or constants, none of them pickled."""
    for name, entry in table.get("config", {}).items():
        if entry.get("use_pickle") is not False:
            raise UnsupportedInputError(
                f"'{name}' is pickled inside, and pickles run code; save plain, contiguous, dense "
                "tensors on the CPU, or export to ONNX: torch.onnx.export(model, inputs, "
                "'model.onnx', dynamo=True)"
            )
        _check_names(entry, f"'{name}'")
        if not _PLAIN.fullmatch(name):
            raise UnsupportedInputError(f"a weight named {name!r}; names are letters and dots")
    return json.dumps(table).encode()


def _safe_model(model: dict[str, Any]) -> bytes:
    """The program without guards and metadata, every string of it checked."""
    model["guards_code"] = []
    _strip_metadata(model)
    _check_names(model, "the program")
    return json.dumps(model).encode()


def _strip_metadata(value: Any) -> None:
    if isinstance(value, dict):
        if "metadata" in value:
            value["metadata"] = {}
        for each in value.values():
            _strip_metadata(each)
    elif isinstance(value, list):
        for each in value:
            _strip_metadata(each)


def _check_names(value: Any, where: str, key: str = "") -> None:
    """Raise unless every string is harmless in the place where it stands."""
    if isinstance(value, dict):
        for name, each in value.items():
            if not _PLAIN.fullmatch(name):
                raise UnsupportedInputError(f"{where} holds {name!r}, which is not a plain name")
            _check_names(each, where, name)
    elif isinstance(value, list):
        for each in value:
            _check_names(each, where, key)
    elif isinstance(value, str) and not _is_harmless(value, key):
        raise UnsupportedInputError(
            f"{where} holds {value[:80]!r} as {key or 'a value'}, which could run code; only "
            "ATen operators and plain names are loaded, so export to ONNX in Python instead: "
            "torch.onnx.export(model, inputs, 'model.onnx', dynamo=True)"
        )


def _is_harmless(text: str, key: str) -> bool:
    if key == "target":
        return _OPERATOR.fullmatch(text) is not None
    if key == "expr_str":
        return len(text) <= _LONGEST_EXPRESSION and _EXPRESSION.fullmatch(text) is not None
    if key in _TREES:
        return _is_plain_tree(json.loads(text))
    if key in {"as_string", "as_strings", "torch_version"}:
        return True  # only ever a value
    return _PLAIN.fullmatch(text) is not None


def _is_plain_tree(value: Any) -> bool:
    """Whether a serialized nest of arguments is of tuples, lists and dictionaries only."""
    if isinstance(value, list):
        return all(isinstance(each, int) or _is_plain_tree(each) for each in value)
    if not isinstance(value, dict) or value.get("type") not in _CONTAINERS:
        return False
    context = value.get("context")
    if context is not None and not re.fullmatch(r'null|\[[\w\s",.]*\]', str(context), re.ASCII):
        return False
    return all(_is_plain_tree(each) for each in value.get("children_spec", []))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
