"""Serve items of the index, and pages and blocks with their corrections, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from sinonom_cli.api.beside import blocks_beside
from sinonom_cli.api.correcting import Sheets
from sinonom_cli.errors import UsageError
from sinonom_cli.serve.asking import png_of
from sinonom_cli.serve.mesh_cache import FACES
from sinonom_cli.serve.site import NotFound
from sinonom_cli.serve.wire import about_beside, about_item, about_sheet, number_of, yes

if TYPE_CHECKING:
    from sinonom_cli.api.items import Item
    from sinonom_cli.serve.site import Site

SIDE = 256
"""Usual side of a picture, pixels."""
COUNT, MOST_COUNT = 60, 500
"""Usual and largest number of items on a page of a list."""
MOST_FACES = 2_000_000
MANY = 500
"""Largest number of characters that `/api/characters` lists."""
GLB = "model/gltf-binary"


class Looking:
    """The endpoints that show something; they run in threads."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def items(self, request: Request) -> Response:
        """`GET /api/items`: a page of the items that fit all conditions."""
        page = number_of(request, "page", 1, 1, 1_000_000)
        count = number_of(request, "count", COUNT, 1, MOST_COUNT)
        words = {name: request.query_params.get(name, "").strip()[:200] for name in _WORDS}
        found, total = self.site.served_items.find(
            **words, doubtful=yes(request, "doubtful"), start=(page - 1) * count, count=count
        )
        pages = -(-total // count)
        return JSONResponse({"total": total, "page": page, "pages": pages, "items": [*map(about_item, found)]})

    def item(self, request: Request) -> Response:
        """`GET /api/items/{id}`: one item, and where its mesh is."""
        item = self._item(request)
        mesh = self.site.served_items.mesh(item.number)
        there = f"/api/items/{item.number}/mesh" if mesh.path else None
        looked_at = [] if mesh.path else [str(folder) for folder in mesh.looked_at]
        return JSONResponse(
            about_item(item) | {"mesh": there, "looked_at": looked_at, "picture_there": item.picture.is_file()}
        )

    def picture(self, request: Request) -> Response:
        """`GET /api/items/{id}/picture`: its depth image as PNG."""
        side = number_of(request, "side", SIDE, 16, 1024)
        content = png_of(self._item(request).image(side))
        return Response(content, media_type="image/png", headers={"Cache-Control": "private, max-age=60"})

    def mesh(self, request: Request) -> Response:
        """`GET /api/items/{id}/mesh`: its mesh as GLB, with few faces or whole."""
        item = self._item(request)
        found = self.site.served_items.mesh(item.number)
        if found.path is None:
            raise NotFound(f"the mesh {item.source} of this item was not found; sinonom serve --meshes FOLDER names it")
        return self._glb(request, found.path)

    def characters(self, _: Request) -> Response:
        """`GET /api/characters`: the most frequent characters of the index with their numbers of items."""
        counts = self.site.served_items.characters
        listed = [{"char": char, "items": number} for char, number in list(counts.items())[:MANY]]
        return JSONResponse({"total": len(counts), "characters": listed})

    def blocks(self, _: Request) -> Response:
        """`GET /api/blocks`: the blocks that items were cut from, with their numbers of items."""
        blocks = self.site.served_items.blocks
        return JSONResponse({"blocks": [{"block": name, "items": len(rows)} for name, rows in blocks.items()]})

    def map(self, _: Request) -> Response:
        """`GET /api/map`: where items lie on a map of their embeddings."""
        items = self.site.served_items
        numbers, places = items.map
        return JSONResponse(
            {
                "method": "principal components",
                "total": len(items),
                "ids": numbers.tolist(),
                "x": places[:, 0].round(4).tolist(),
                "y": places[:, 1].round(4).tolist(),
                "chars": items.chars(numbers.tolist()),
            }
        )

    def folder(self, request: Request) -> Response:
        """`GET /api/folders/{folder}`: the sheets of a folder."""
        folder = self._folder(request)
        return JSONResponse({"kind": folder.kind, "path": str(folder.path), "sheets": folder.names})

    def sheet(self, request: Request) -> Response:
        """`GET /api/folders/{folder}/sheets/{sheet}`: a page or block with its corrections."""
        folder, name = self._sheet(request)
        return self._told(request, folder, name)

    def sheet_picture(self, request: Request) -> Response:
        """`GET /api/folders/{folder}/sheets/{sheet}/picture`: its picture, as JPEG or PNG."""
        folder, name = self._sheet(request)
        sheet = folder.sheet(name)
        picture = sheet.clean or sheet.picture
        if not picture.is_file():
            raise NotFound(f"{picture} is not there")
        return FileResponse(picture, media_type="image/jpeg" if sheet.clean else "image/png")

    def sheet_blocks(self, request: Request) -> Response:
        """`GET /api/folders/{folder}/sheets/{sheet}/blocks`: the blocks that printed a page, and which carving what."""
        folder, name = self._sheet(request)
        found = blocks_beside(folder, name, self.site.items)
        here = request.url.path
        return JSONResponse({"blocks": [about_beside(one, f"{here}/{k}/picture") for k, one in enumerate(found)]})

    def block_picture(self, request: Request) -> Response:
        """`GET /api/folders/{folder}/sheets/{sheet}/blocks/{number}/picture`: the picture of such a block."""
        folder, name = self._sheet(request)
        found, number = blocks_beside(folder, name, None), int(request.path_params["number"])
        items = self.site.items if number < len(found) else None
        picture = None if items is None else items.block_picture(found[number].block)[2]
        if picture is None:
            raise NotFound("there is no picture of this block")
        return FileResponse(picture)

    def sheet_mesh(self, request: Request) -> Response:
        """`GET /api/folders/{folder}/sheets/{sheet}/characters/{place}/mesh`: the mesh of a character as GLB.

        The characters are those of the sheet as it was written, so that a correction does not change the address.
        """
        folder, name = self._sheet(request)
        characters = folder.written(name).characters
        place = int(request.path_params["place"])
        mesh = characters[place].mesh if place < len(characters) else None
        if mesh is None or not mesh.is_file():
            raise NotFound(f"{mesh} is not there" if mesh else "this character has no mesh")
        return self._glb(request, mesh)

    def corrections(self, request: Request) -> Response:
        """`GET /api/folders/{folder}/corrections`: the file of corrections."""
        path = self._folder(request).file
        if not path.is_file():
            raise NotFound("nothing was corrected yet")
        return FileResponse(path, media_type="application/jsonl", filename=path.name)

    def correct(self, request: Request, fields: Any) -> Response:
        """`POST /api/folders/{folder}/sheets/{sheet}/corrections`: correct a sheet, and return it as it is then."""
        folder, name = self._sheet(request)
        given = _correction(fields)
        done = folder.correct(name, who=given.pop("who", self.site.who), **given)
        answer = self._told(request, folder, name)
        return answer if done else JSONResponse({"error": "there is nothing to undo", "hint": ""}, 409)

    def _told(self, request: Request, folder: Sheets, name: str) -> JSONResponse:
        numbers = int(request.path_params["folder"]), int(request.path_params["sheet"])
        return JSONResponse(about_sheet(folder.sheet(name), *numbers, folder.version(name)))

    def _glb(self, request: Request, path: Path) -> Response:
        faces = None if yes(request, "whole") else number_of(request, "faces", FACES, 100, MOST_FACES)
        return Response(self.site.meshes.glb(path, faces), media_type=GLB)

    def _item(self, request: Request) -> Item:
        return self.site.item(int(request.path_params["id"]))

    def _folder(self, request: Request) -> Sheets:
        number = int(request.path_params["folder"])
        if number >= len(self.site.folders):
            raise NotFound(f"there is no folder {number}; {len(self.site.folders)} are served")
        return self.site.folders[number]

    def _sheet(self, request: Request) -> tuple[Sheets, str]:
        folder, number = self._folder(request), int(request.path_params["sheet"])
        if number >= len(folder):
            raise NotFound(f"there is no sheet {number}; the folder has {len(folder)}")
        return folder, folder.names[number]


_WORDS = ("text", "char", "reading", "meaning", "component", "block")


def _correction(fields: Any) -> dict[str, Any]:
    """Return the fields of a correction from a request's JSON.

    Raises
    ------
    UsageError
        If it is no JSON object, or a field is missing, unknown or of another type.
    """
    kinds: dict[str, type] = {"action": str, "who": str, "version": int, "places": list, "chars": list, "boxes": list}
    if not isinstance(fields, dict) or not {"action", "version"} <= fields.keys():
        raise UsageError("a correction is a JSON object with action and version", "see /api")
    for name, value in fields.items():
        if name not in kinds or not isinstance(value, kinds[name]) or isinstance(value, bool):
            raise UsageError(f"a correction has no such field: {name[:40]}", f"it has {', '.join(kinds)}")
    if not all(isinstance(place, int) and not isinstance(place, bool) for place in fields.get("places", [])):
        raise UsageError("places are whole numbers", '"places": [0]')
    if not all(isinstance(char, str) for char in fields.get("chars", [])):
        raise UsageError("chars are characters", '"chars": ["字"]')
    return dict(fields)
