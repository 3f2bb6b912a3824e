"""A mixed record in JSON: `{"inputs": {"image": "film.png", "table": [63, null, "male"]}}`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from edge.bundle.faults import shown
from edge.errors import DecodeError, InputError, InputTooLargeError
from edge.records.limits import MAX_TEXT_BYTES
from edge.source_name import show_source

__all__ = ["parse_record_json", "resolve_inside"]

_FORM = 'write {"inputs": {NAME: value or file name, ...}}'


def parse_record_json(data: bytes, source: str) -> dict[str, object]:
    """Read a record's values.

    Args:
        data: the whole file.
        source: what messages call it.

    Returns:
        By input name: numbers, text, null, lists and objects of them, as they are written.

    Raises:
        DecodeError: it is no JSON, or not of the form above.
        InputTooLargeError: it is over the limit.
    """
    import msgspec

    where = show_source(source)
    if len(data) > MAX_TEXT_BYTES:
        raise InputTooLargeError(
            f"{where}: it is {len(data):,} bytes, and the most is {MAX_TEXT_BYTES:,}; "
            "name .npy files in it instead of writing numbers",
        )
    try:
        whole = msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"{where}: it is no JSON ({shown(str(error), 200)}); {_FORM}") from error
    values = whole.get("inputs") if isinstance(whole, dict) else None
    if not isinstance(values, dict) or len(whole) != 1:
        raise DecodeError(f"{where}: it is not of the right form; {_FORM}")
    return values


def resolve_inside(name: str, folder: Path | None, source: str) -> Path:
    """Find a file that a record names; it must lie in the record's folder, links followed.

    Args:
        name: a path relative to `folder`, with forward slashes.
        folder: where the record's file is; None for one that came on standard input.
        source: what messages call the record.

    Raises:
        InputError: the path is absolute, climbs out, or there is no folder.
    """
    where = show_source(source)
    if folder is None:
        raise InputError(
            f"{where}: it names the file {shown(name)}, but does not come from a folder itself; "
            "give the name of the .json file",
        )
    parts = PurePosixPath(name).parts
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        is_inside = bool(parts) and ".." not in parts and path.is_relative_to(root)
    except (OSError, ValueError, RuntimeError):
        is_inside = False
    if not is_inside or name.startswith("/"):
        raise InputError(
            f"{where}: the file {shown(name)} that it names is not in its folder; give a "
            "path relative to it, without '..'",
        )
    return path
