"""Answer pictures over HTTP: query, name, read, show, and lay over a carving."""

from __future__ import annotations

import base64
import io
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sinonom_cli import api
from sinonom_cli.api.pictures import load, size_of
from sinonom_cli.api.registering import overlay
from sinonom_cli.api.results import Answer
from sinonom_cli.errors import BadInput, SinonomError, UsageError
from sinonom_cli.parallel.work import cores
from sinonom_cli.serve.wire import about_item, number_of, yes

if TYPE_CHECKING:
    from sinonom_cli.serve.site import Site

LARGEST = 20_000_000
"""Largest number of bytes of a picture."""
MOST_PIXELS = 50_000_000
"""Largest number of pixels of a picture: a decoded one then takes 150 MB."""
SHOWN = 1600
"""Longest side, in pixels, of a picture that is sent back to be shown."""
TOP, MOST_ANSWERS = 5, 100
"""Usual and largest number of answers."""


class TooLarge(SinonomError):
    """The picture has too many bytes."""


class Asking:
    """The endpoints that take a picture as the body of a request."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.limiter = CapacityLimiter(cores())

    async def query(self, request: Request) -> Response:
        """`POST /api/query`: the nearest items of the index."""
        top = number_of(request, "top", TOP, 1, MOST_ANSWERS)
        reject = yes(request, "reject")
        rerank = number_of(request, "rerank", -1, 0, MOST_ANSWERS)
        names = yes(request, "names", usual=True)
        index = self.site.index

        def answer(path: Path) -> Response:
            if index is None:
                return self._told(api.name(path, top), None)
            count = None if rerank < 0 else rerank
            return self._told(index.search(path, top, rerank=count, names=names, reject=reject), index)

        return await self._with_picture(request, answer)

    async def name(self, request: Request) -> Response:
        """`POST /api/name`: the characters that the picture may show."""
        top = number_of(request, "top", TOP, 1, MOST_ANSWERS)
        return await self._with_picture(request, lambda path: self._told(api.name(path, top), None))

    async def read(self, request: Request) -> Response:
        """`POST /api/read`: the characters of a page."""
        direction = request.query_params.get("direction", "vertical")
        return await self._with_picture(
            request, lambda path: JSONResponse(json.loads(api.read(path, direction=direction).json()))
        )

    async def preview(self, request: Request) -> Response:
        """`POST /api/preview`: the picture as the program sees it, as PNG."""

        def png(path: Path) -> Response:
            from PIL import Image

            image = Image.fromarray(load(path))
            image.thumbnail((SHOWN, SHOWN))
            return Response(png_of(image), media_type="image/png")

        return await self._with_picture(request, png)

    async def overlay(self, request: Request) -> Response:
        """`POST /api/items/{id}/overlay`: the picture, and the item laid over it, as two PNG of ink."""
        item = self.site.item(int(request.path_params["id"]))

        def laid(path: Path) -> Response:
            found = overlay(path, item.picture)
            return JSONResponse(
                {
                    "query": _inked(found.query),
                    "item": _inked(found.laid),
                    "map": found.map.tolist(),
                    "correlation": round(found.correlation, 4),
                }
            )

        return await self._with_picture(request, laid)

    def _told(self, answer: Answer, index: api.Index | None) -> Response:
        """Return an answer as `query --json` prints it, and what is known of each item."""
        record = {name: value for name, value in answer.record.items() if name != "query"}
        if index is None or self.site.items is None:
            return JSONResponse(record)
        items = [about_item(self.site.items[match.number]) for match in answer.matches]
        return JSONResponse(record | {"items": items})

    async def _with_picture(self, request: Request, work: Callable[[Path], Response]) -> Response:
        async with self._saved(request) as path:

            def checked() -> Response:
                try:
                    width, height = size_of(path)
                    if width * height > MOST_PIXELS:
                        raise BadInput(
                            f"the picture has {width} x {height} pixels, more than {MOST_PIXELS // 1_000_000} million",
                            "make it smaller, or cut out the character",
                        )
                    return work(path)
                except SinonomError as error:
                    message = error.message.replace(str(path), "the picture")
                    raise type(error)(message, error.hint) from None

            return await to_thread.run_sync(checked, limiter=self.limiter)

    @asynccontextmanager
    async def _saved(self, request: Request) -> AsyncIterator[Path]:
        """Write the body of a request to a file as it arrives, and remove the file afterwards."""
        claimed = request.headers.get("content-length", "0")
        too_large = TooLarge(
            f"the picture has more than {LARGEST // 1_000_000} MB", "make it smaller, or cut out the character"
        )
        if claimed.isdecimal() and int(claimed) > LARGEST:
            raise too_large
        path = Path(self.site.uploads.name) / secrets.token_hex(16)
        taken = 0
        try:
            with path.open("xb") as file:
                async for chunk in request.stream():
                    taken += len(chunk)
                    if taken > LARGEST:
                        raise too_large
                    file.write(chunk)
            if not taken:
                raise UsageError("the request has no picture", "send the bytes of a picture as the body")
            yield path
        finally:
            path.unlink(missing_ok=True)


def png_of(image: Any) -> bytes:
    """Return a Pillow image as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _inked(ink: Any) -> str:
    """Return (S, S) ink in [0, 1] as a data URI of a PNG: black ink of that opacity on nothing."""
    from PIL import Image

    opacity = Image.fromarray((ink * 255).round().astype("uint8"))
    shown = Image.new("LA", opacity.size, 0)
    shown.putalpha(opacity)
    return "data:image/png;base64," + base64.b64encode(png_of(shown)).decode("ascii")
