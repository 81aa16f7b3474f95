"""The document as clients get it, but closed: a member that it doesn't know is a fault here, though
clients are free to ignore it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson
from django.test import Client
from jsonschema import Draft202012Validator

Document = dict[str, Any]


@cache
def document() -> Document:
    """The document, with every object of its components closed."""
    loaded: Document = orjson.loads(Client().get("/api/v2/schema").content)
    for schema in loaded["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return loaded


def operations() -> Iterator[tuple[str, str, Document]]:
    """Method, path and what the document says of them."""
    for path, methods in document()["paths"].items():
        for method, described in methods.items():
            yield method.upper(), path, described


def operation(name: str) -> Document:
    """What the document says of the operation of this id."""
    (found,) = (said for _, _, said in operations() if said["operationId"] == name)
    return found


def faults_of(value: Any, schema: Document) -> list[str]:
    """What is wrong with the value beside a schema of the document."""
    whole = {**schema, "components": document()["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def changed() -> Document:
    """A copy of the document, to be made wrong."""
    return copy.deepcopy(document())
