"""Describe the JSON interface by OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from sinonom_cli import __version__
from sinonom_cli.serve.asking import LARGEST, MOST_ANSWERS, TOP
from sinonom_cli.serve.looking import COUNT, MOST_COUNT, SIDE
from sinonom_cli.serve.mesh_cache import FACES

_WORD = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 0}
_SWITCH = {"type": "string", "enum": ["0", "1"]}
_PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "id": (_WHOLE, "number of the row in the index"),
    "folder": (_WHOLE, "number of the folder, see /api/state"),
    "sheet": (_WHOLE, "number of the page or block in its folder"),
    "place": (_WHOLE, "number of the character on its sheet as it was written, from 0"),
    "number": (_WHOLE, "number of the block in the list, from 0"),
    "top": ({**_WHOLE, "default": TOP, "maximum": MOST_ANSWERS}, "number of answers"),
    "rerank": (_WHOLE, "number of first answers that registration orders again"),
    "names": ({**_SWITCH, "default": "1"}, "0: order by distances, without the characters that both probably show"),
    "reject": (_SWITCH, "1: no answers for a picture that shows nothing in the index"),
    "direction": ({"type": "string", "enum": ["vertical", "horizontal"]}, "direction of the text"),
    "text": (_WORD, "a character, a code point or a reading"),
    "char": (_WORD, "a character or a code point"),
    "reading": (_WORD, "a reading; without diacritics, it finds all spellings"),
    "meaning": (_WORD, "words of the English definition in Unihan"),
    "component": (_WORD, "a radical: 水, 氵 or its number, 85"),
    "block": (_WORD, "name of a block"),
    "doubtful": (_SWITCH, "1: only what its set calls doubtful or odd"),
    "page": ({**_WHOLE, "minimum": 1}, "page of the list, from 1"),
    "count": ({**_WHOLE, "default": COUNT, "maximum": MOST_COUNT}, "number of items on a page of the list"),
    "side": ({**_WHOLE, "default": SIDE}, "longer side of the picture, pixels"),
    "faces": ({**_WHOLE, "default": FACES}, "largest number of faces"),
    "whole": (_SWITCH, "1: all faces of the mesh"),
}
_JSON, _PNG, _GLB = "application/json", "image/png", "model/gltf-binary"
_GETS: dict[str, tuple[str, str, str]] = {
    "/api/state": ("What is served, and the token for corrections.", _JSON, ""),
    "/api/items": ("Items of the index.", _JSON, "text char reading meaning component block doubtful page count"),
    "/api/items/{id}": ("One item, and the address of its mesh or where that was looked for.", _JSON, ""),
    "/api/items/{id}/picture": ("The depth image of an item.", _PNG, "side"),
    "/api/items/{id}/mesh": ("The mesh of an item.", _GLB, "faces whole"),
    "/api/characters": ("The most frequent characters of the index.", _JSON, ""),
    "/api/blocks": ("The blocks that the items were cut from.", _JSON, ""),
    "/api/map": ("Items on a map: the first two principal components of their embeddings.", _JSON, ""),
    "/api/folders/{folder}": ("The pages or blocks of a folder.", _JSON, ""),
    "/api/folders/{folder}/corrections": ("The file of corrections.", "application/jsonl", ""),
    "/api/folders/{folder}/sheets/{sheet}": ("A page or block with its corrections.", _JSON, ""),
    "/api/folders/{folder}/sheets/{sheet}/picture": ("The picture of a page or block.", "image/*", ""),
    "/api/folders/{folder}/sheets/{sheet}/blocks": (
        "The blocks that printed a page, as `read --index` found them, and which carving printed which character.",
        _JSON,
        "",
    ),
    "/api/folders/{folder}/sheets/{sheet}/blocks/{number}/picture": ("The picture of such a block.", "image/*", ""),
    "/api/folders/{folder}/sheets/{sheet}/characters/{place}/mesh": ("The mesh of a character.", _GLB, "faces whole"),
}
_PICTURES: dict[str, tuple[str, str, str]] = {
    "/api/query": ("The nearest items: the answer of `sinonom query --json`.", _JSON, "top rerank names reject"),
    "/api/name": ("The characters that the picture may show.", _JSON, "top"),
    "/api/read": ("The characters of a page: the JSON of `sinonom read`.", _JSON, "direction"),
    "/api/preview": ("The picture as the program sees it.", _PNG, ""),
    "/api/items/{id}/overlay": ("The picture and an item in one frame, as data URIs.", _JSON, ""),
}
_CORRECT = "/api/folders/{folder}/sheets/{sheet}/corrections"
_CORRECTION = {
    "type": "object",
    "required": ["action", "version"],
    "properties": {
        "action": {"type": "string", "enum": ["accept", "change", "split", "merge", "delete", "add", "undo"]},
        "version": {**_WHOLE, "description": "version of the sheet that was looked at"},
        "places": {"type": "array", "items": _WHOLE, "description": "numbers of the characters, from 0"},
        "chars": {"type": "array", "items": _WORD, "description": "the new characters"},
        "boxes": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        "who": {"type": "string", "description": "name of the one who corrects"},
    },
}
_ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "hint": {"type": "string"}},
    "required": ["error"],
}


def description() -> dict[str, Any]:
    """Return the OpenAPI document of the interface."""
    paths = {path: {"get": _operation(path, *about)} for path, about in _GETS.items()}
    body = {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}
    for path, about in _PICTURES.items():
        paths[path] = {"post": {**_operation(path, *about), "requestBody": body}}
    correct = _operation(_CORRECT, "Correct a page or block; the answer is the sheet as it is then.", _JSON, "")
    token = {"name": "X-Sinonom-Token", "in": "header", "required": True, "schema": _WORD}
    correct["parameters"] = [*correct["parameters"], {**token, "description": "the token of /api/state"}]
    correct["requestBody"] = {"required": True, "content": {_JSON: {"schema": _CORRECTION}}}
    paths[_CORRECT] = {"post": correct}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sinonom",
            "version": __version__,
            "description": "Pictures are sent as the body of a request, as they are in their files, "
            f"{LARGEST // 1_000_000} MB at most.",
        },
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR}},
    }


def _operation(path: str, summary: str, kind: str, query: str) -> dict[str, Any]:
    inside = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    failed = {"description": "an error", "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}
    return {
        "summary": summary,
        "parameters": [
            *(_parameter(name, "path") for name in inside),
            *(_parameter(name, "query") for name in query.split()),
        ],
        "responses": {"200": {"description": summary, "content": {kind: {}}}, "default": failed},
    }


def _parameter(name: str, where: str) -> dict[str, Any]:
    schema, about = _PARAMETERS[name]
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": about}
