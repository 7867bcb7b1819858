"""The document: the table of operations, for the routes that there are."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from lingma_proxy import __version__
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server.openapi.answers import ANSWERS, answer
from lingma_proxy.server.openapi.operations import OPERATIONS, Operation, request_body
from lingma_proxy.server.openapi.requests import REQUESTS

Routes: TypeAlias = Mapping[str, Iterable[str]]
"""Exact paths, and the methods on each."""

ABOUT = """\
Lingma from the tools that you like: OpenAI's, Anthropic's and Ollama's APIs on your machine.

What a failure says is in the shape of the API that was asked. Warnings about what was asked
for and not done are in the header `x-lingma-proxy-warning`, the model that answered is in
`x-lingma-proxy-model`, and the id under which the log knows a request is in `x-request-id`.

A stream is a stream of events (or of lines of JSON, in Ollama's API) in the words of the API that
was asked; what goes wrong after the first of them is said in the stream."""

IN_BRACES = re.compile(r"\{(\w+)\}")
KEYS: JsonObject = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def document(routes: Routes) -> JsonObject:
    """OpenAPI 3.1 for these routes, and for what is below them."""
    paths: dict[str, JsonObject] = {}
    for (path, method), operation in OPERATIONS.items():
        if "{" in path or method in routes.get(path, ()):
            paths.setdefault(path, {})[method.lower()] = described(path, method, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lingma Proxy", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{}, *({name: []} for name in KEYS)],
        "paths": paths,
        "components": {"schemas": {**REQUESTS, **ANSWERS}, "securitySchemes": KEYS},
    }


def described(path: str, method: str, operation: Operation) -> JsonObject:
    failure = {"description": "It failed.", "content": answer(operation.fails)}
    success: JsonObject = {"description": "It went well.", "content": operation.gives}
    if operation.leads_to:
        success["links"] = {
            id: {"operationId": id, "parameters": {"id": "$response.body#/id"}}
            for id in operation.leads_to
        }
    also = {
        status: {"description": "It could not be done.", "content": answer(shape)}
        for status, shape in operation.also.items()
    }
    said: JsonObject = {
        "operationId": operation_id(path, method),
        "summary": operation.about,
        "tags": [operation.tag],
        "responses": {**({} if operation.never else {"200": success}), **also, "default": failure},
    }
    if parameters := [*map(in_path, IN_BRACES.findall(path)), *operation.query]:
        said["parameters"] = parameters
    if operation.takes:
        said["requestBody"] = request_body(operation)
    return said


def in_path(name: str) -> JsonObject:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def operation_id(path: str, method: str) -> str:
    """Such as `post_v1_chat_completions`."""
    return "_".join([method.lower(), *re.findall(r"\w+", path)])
