"""The API's description, OpenAPI 3.1, from its operations and messages."""

from __future__ import annotations

import http
from typing import Any

import msgspec

from edge import __version__
from edge.kiosk.api.access_token import SESSION_COOKIE
from edge.kiosk.api.operations import EVERYWHERE, OPERATIONS, PROBLEMS, Operation
from edge.kiosk.api.problems import PROBLEM_TYPE, ProblemDetails
from edge.kiosk.messages import Answer, Event, Health, Latest, ModelCard

__all__ = ["openapi_document"]

_REFERENCE = "#/components/schemas/{name}"
_MESSAGES = (Health, ModelCard, Latest, Answer, Event, ProblemDetails)
_BYTES = {"type": "string", "format": "binary", "minLength": 1}
_TOKEN_MISSING = 401


def openapi_document(*, is_token_set: bool) -> dict[str, Any]:
    """The document.

    Args:
        is_token_set: whether clients must show a token.
    """
    _, schemas = msgspec.json.schema_components(_MESSAGES, ref_template=_REFERENCE)
    components: dict[str, Any] = {"schemas": schemas}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "edge-kiosk",
            "version": __version__,
            "summary": "What a kiosk answers from its camera, and how it is",
            "description": "Research software, not a medical device. A frame that is not good is "
            "never answered: the outcome is no result and its reason.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(is_token_set=is_token_set),
        "components": components,
    }
    if is_token_set:
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
        }
        document["security"] = [{"bearer": []}, {"session": []}]
    return document


def _paths(*, is_token_set: bool) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        entry = paths.setdefault(operation.path, {})
        entry[operation.method.lower()] = _entry(operation, is_token_set=is_token_set)
    return paths


def _entry(operation: Operation, *, is_token_set: bool) -> dict[str, Any]:
    statuses = {*EVERYWHERE, *operation.problems}
    if is_token_set:
        statuses.add(_TOKEN_MISSING)
    responses = {str(operation.answer.status): _success(operation)}
    responses |= {str(status): _problem(status) for status in sorted(statuses)}
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.words,
        "responses": responses,
    }
    if operation.parameters:
        entry["parameters"] = [
            {
                "name": each.name,
                "in": each.place,
                "required": False,
                "schema": dict(each.schema),
                "description": each.words,
            }
            for each in operation.parameters
        ]
    if operation.takes:
        entry["requestBody"] = {
            "required": True,
            "description": operation.takes,
            "content": {"application/octet-stream": {"schema": _BYTES}},
        }
    return entry


def _success(operation: Operation) -> dict[str, Any]:
    answer = operation.answer
    response: dict[str, Any] = {"description": answer.words}
    if answer.media_type:
        content: dict[str, Any] = {}
        if answer.message is not None and answer.media_type == "application/json":
            content["schema"] = {"$ref": _REFERENCE.format(name=answer.message.__name__)}
        response["content"] = {answer.media_type.partition(";")[0]: content}
    if answer.headers:
        response["headers"] = {
            name: {"description": words, "required": True, "schema": {"type": "integer"}}
            for name, words in answer.headers.items()
        }
    return response


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(name=ProblemDetails.__name__)}
    return {
        "description": f"{http.HTTPStatus(status).phrase}. {PROBLEMS[status]}",
        "content": {PROBLEM_TYPE: {"schema": schema}},
    }
