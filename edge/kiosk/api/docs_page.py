"""The API's description as one page: made here, no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

__all__ = ["DOCS_POLICY", "docs_page"]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { border-top: 1px solid; padding-top: 1rem; margin-top: 2rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .95em; overflow-wrap: anywhere; }
pre { border: 1px solid; padding: .5rem; overflow-x: auto; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid; padding: .25rem .5rem; text-align: left; vertical-align: top; }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
DOCS_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy under which the page works."""

_SCHEMA = "#/components/schemas/"


def docs_page(document: Mapping[str, Any], example_address: str) -> str:
    """The page in HTML.

    Args:
        document: as `openapi_document` gives.
        example_address: scheme, host and port for the examples.
    """
    return "\n".join(_page(document, example_address)) + "\n"


def _page(document: Mapping[str, Any], address: str) -> Iterator[str]:
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{title}</title>"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{title}</h1>\n<p>{escape(document['info']['description'])}</p>"
    yield '<p>The same for programs: <a href="/openapi.json">openapi.json</a>.</p>\n<ul>'
    entries = [
        (path, method, entry)
        for path, methods in document["paths"].items()
        for method, entry in methods.items()
    ]
    for path, method, entry in entries:
        name = f'<a href="#{entry["operationId"]}"><code>{method.upper()} {escape(path)}</code></a>'
        yield f"<li>{name} {escape(entry['summary'])}</li>"
    yield "</ul>"
    for path, method, entry in entries:
        yield from _operation(path, method, entry, _curl(document, address))
    yield '<h2 id="messages">Messages</h2>'
    for name, schema in document["components"]["schemas"].items():
        yield from _message(name, schema)
    yield "</main>\n</body>\n</html>"


def _curl(document: Mapping[str, Any], address: str) -> str:
    token = " -H 'Authorization: Bearer TOKEN'" if document.get("security") else ""
    return f"curl{token} {address}"


def _operation(path: str, method: str, entry: Mapping[str, Any], curl: str) -> Iterator[str]:
    yield f'<h2 id="{entry["operationId"]}"><code>{method.upper()} {escape(path)}</code></h2>'
    yield f"<p>{escape(entry['summary'])}. {escape(entry['description'])}</p>"
    body = " --data-binary @picture.png" if "requestBody" in entry else ""
    if method == "post" and not body:
        body = " -X POST"
    yield f"<pre>{escape(curl + path + body)}</pre>"
    if "requestBody" in entry:
        yield f"<p>Body: {escape(entry['requestBody']['description'])}</p>"
    if "parameters" in entry:
        rows = [
            (f"<code>{escape(each['name'])}</code> ({each['in']})", escape(each["description"]))
            for each in entry["parameters"]
        ]
        yield from _table(("Parameter", "What it does"), rows)
    rows = [
        (f"{status}", f"{escape(response['description'])} {_content(response)}")
        for status, response in entry["responses"].items()
    ]
    yield from _table(("Status", "Answer"), rows)


def _content(response: Mapping[str, Any]) -> str:
    parts = []
    for media_type, content in response.get("content", {}).items():
        kind = _type(content["schema"]) if "schema" in content else ""
        parts.append(f"<code>{escape(media_type)}</code> {kind}")
    for name, header in response.get("headers", {}).items():
        parts.append(f"<br><code>{escape(name)}</code>: {escape(header['description'])}")
    return " ".join(parts)


def _message(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="message-{escape(name)}">{escape(name)}</h3>'
    yield f"<pre>{escape(schema.get('description', ''))}</pre>"
    rows = [
        (f"<code>{escape(field)}</code>", _type(kind))
        for field, kind in schema.get("properties", {}).items()
    ]
    yield from _table(("Field", "Type"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(_SCHEMA))
        return f'<a href="#message-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(repr(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "additionalProperties" in schema:
        return f"by name: {_type(schema['additionalProperties'])}"
    return escape(str(schema.get("type", "any")))


def _table(heads: tuple[str, str], rows: list[tuple[str, str]]) -> Iterator[str]:
    yield f"<table>\n<tr><th>{heads[0]}</th><th>{heads[1]}</th></tr>"
    for left, right in rows:
        yield f"<tr><td>{left}</td><td>{right}</td></tr>"
    yield "</table>"
