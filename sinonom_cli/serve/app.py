"""Put the web application together: addresses, errors, and the files of the page."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sinonom_cli import __version__
from sinonom_cli.api.correcting import Changed
from sinonom_cli.errors import MissingExtra, OutputInTheWay, SinonomError
from sinonom_cli.messages import warn
from sinonom_cli.serve.asking import Asking, TooLarge
from sinonom_cli.serve.guard import App, Guard, failure
from sinonom_cli.serve.looking import Looking
from sinonom_cli.serve.openapi import description
from sinonom_cli.serve.site import NotFound, Site

LONGEST_CORRECTION = 100_000
"""Largest number of bytes of a correction."""


def make_app(site: Site, *, host: str = "127.0.0.1", token: str = "") -> App:
    """Return the ASGI application of a site; the site is closed when it ends.

    Parameters
    ----------
    host : address that the server listens on.
    token : word that every request must bring; "" if none is needed.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        yield
        site.close()

    asking, looking = Asking(site), Looking(site)
    static = _static_files()

    def state(_: Request) -> Response:
        return JSONResponse(_state(site))

    def openapi(_: Request) -> Response:
        return JSONResponse(description())

    def static_file(request: Request) -> Response:
        found = static.get(request.path_params.get("name", "index.html"))
        if found is None:
            raise NotFound("there is no such file")
        content, kind = found
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})

    async def correct(request: Request) -> Response:
        return await run_in_threadpool(looking.correct, request, await _json(request))

    sheet = "/api/folders/{folder:int}/sheets/{sheet:int}"
    gets: dict[str, Callable[[Request], Response]] = {
        "/": static_file,
        "/static/{name:path}": static_file,
        "/api": openapi,
        "/api/state": state,
        "/api/items": looking.items,
        "/api/items/{id:int}": looking.item,
        "/api/items/{id:int}/picture": looking.picture,
        "/api/items/{id:int}/mesh": looking.mesh,
        "/api/characters": looking.characters,
        "/api/blocks": looking.blocks,
        "/api/map": looking.map,
        "/api/folders/{folder:int}": looking.folder,
        "/api/folders/{folder:int}/corrections": looking.corrections,
        sheet: looking.sheet,
        f"{sheet}/picture": looking.sheet_picture,
        f"{sheet}/blocks": looking.sheet_blocks,
        f"{sheet}/blocks/{{number:int}}/picture": looking.block_picture,
        f"{sheet}/characters/{{place:int}}/mesh": looking.sheet_mesh,
    }
    posts: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/api/query": asking.query,
        "/api/name": asking.name,
        "/api/read": asking.read,
        "/api/preview": asking.preview,
        "/api/items/{id:int}/overlay": asking.overlay,
        f"{sheet}/corrections": correct,
    }
    routes = [Route(path, work, methods=["GET"]) for path, work in gets.items()]
    routes += [Route(path, work, methods=["POST"]) for path, work in posts.items()]
    handlers: dict[Any, Any] = {
        SinonomError: _refused,
        NotFound: _not_found,
        HTTPException: _http,
        ClientDisconnect: _gone,
        Exception: _bug,
    }
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    return Guard(app, host, token, site.write_token)


def _state(site: Site) -> dict[str, Any]:
    """Return what the page needs to know first; only the server's own page can read it."""
    index = None if site.index is None else {"path": str(site.index.path), "rows": len(site.index)}
    folders = [
        {"id": number, "kind": folder.kind, "path": str(folder.path), "sheets": len(folder)}
        for number, folder in enumerate(site.folders)
    ]
    return {
        "version": __version__,
        "index": index,
        "folders": folders,
        "who": site.who,
        "token": site.write_token,
    }


def _static_files() -> dict[str, tuple[bytes, str]]:
    """Return the content and media type of each file of the page, by its name; nothing else can be asked for."""
    kinds = {
        "html": "text/html", "js": "text/javascript", "json": "application/json", "css": "text/css",
        "svg": "image/svg+xml",
    }  # fmt: skip
    found: dict[str, tuple[bytes, str]] = {}
    folders = [("", files("sinonom_cli.serve") / "static")]
    while folders:
        prefix, folder = folders.pop()
        for each in folder.iterdir():
            name = f"{prefix}{each.name}"
            if each.is_dir():
                folders.append((f"{name}/", each))
            else:
                found[name] = each.read_bytes(), kinds.get(each.name.rpartition(".")[2], "text/plain")
    return found


async def _json(request: Request) -> Any:
    """Return the JSON of a request's body, which may be `LONGEST_CORRECTION` bytes long."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > LONGEST_CORRECTION:
            raise TooLarge("a correction has more than 100 kB", "correct one thing at a time")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _refused(_: Request, error: Exception) -> Response:
    """Return the answer to an error that the user can correct."""
    assert isinstance(error, SinonomError)
    codes = ((TooLarge, 413), (Changed, 409), (OutputInTheWay, 507), (MissingExtra, 501))
    status = next((code for kind, code in codes if isinstance(error, kind)), 400)
    return failure(status, " ".join(error.message.split()), error.hint)


def _not_found(_: Request, error: Exception) -> Response:
    return failure(404, str(error))


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {404: "there is nothing at this address", 405: "this address takes another method"}
    return failure(error.status_code, said.get(error.status_code, str(error.detail)), "see /api")


def _gone(_: Request, __: Exception) -> Response:
    return failure(400, "the request ended before its body was complete")


def _bug(_: Request, error: Exception) -> Response:
    warn(f"this is a bug in sinonom: {type(error).__name__}: {error}")
    return failure(500, f"this is a bug in sinonom: {type(error).__name__}", "the terminal says more")
