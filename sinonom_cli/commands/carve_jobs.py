"""What `sinonom carve` works through: pictures of single characters, or of pages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sinonom_cli.errors import UsageError
from sinonom_cli.relief.block_options import BlockOptions
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Span

NONE = Span(0, 0)


def refuse_misplaced(page: bool, singles: dict[str, Any], sizes: dict[str, Any]) -> None:
    """Refuse options that would do nothing: those of single characters with --page, those of pages without."""
    for name, value in (singles if page else sizes).items():
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            where = "is for single characters" if page else "is for whole blocks"
            raise UsageError(f"{option} {where}", f"leave out {option if page else f'{option}, or add --page'}")
    if sizes["thickness"] is not None and not sizes["solid"]:
        raise UsageError("--thickness is for solid blocks", "add --solid")
    if sizes["solid"] and sizes["as"] == "map":
        raise UsageError("a height map cannot be --solid", "leave out --solid or --as map")


def block_options(
    carving: Carving, tilt: Span | None, turn: Span | None, resolution: int | None, sizes: dict[str, Any]
) -> BlockOptions:
    """Return the options of blocks; a solid one, which is for making, lies still and is sound unless asked.

    Parameters
    ----------
    carving : its tilt and turn are replaced.
    tilt, turn, resolution : what was typed; None: the default.
    sizes : the other options of blocks by name; None: the default.
    """
    given = {name: value for name, value in sizes.items() if value is not None and name != "as"}
    still = Carving(tilt=NONE, turn=NONE) if sizes["solid"] else BlockOptions().carving
    if sizes["solid"]:
        given = {"bow": NONE, "cracks": NONE, **given}
    carving = replace(carving, tilt=tilt or still.tilt, turn=turn or still.turn)
    return BlockOptions(carving=carving, resolution=resolution, as_map=sizes["as"] == "map", **given)


def plates(inputs: list[str], out: Path, carving: Carving, seed: int, limit: int | None) -> dict[str, Any]:
    """Return what `fill` needs to carve pictures of single characters."""
    if len(inputs) > 1:
        raise UsageError("carve takes one image set or folder", "sinonom carve IMAGES OUT")
    from sinonom_cli.relief.carve import Carve, pictures
    from sinonom_cli.relief.plate import KNOWN
    from sinonom_cli.storage.image_set import METADATA_COLUMNS

    items = pictures(Path(inputs[0]), limit, out)
    return {
        "options": {**carving.options(), "seed": seed},
        "items": items,
        "passed_over": items.passed_over,
        "work": Carve(out.absolute(), carving, seed),
        "columns": (*METADATA_COLUMNS, "faces", *KNOWN),
        "what": "pictures",
    }


def blocks(inputs: list[str], out: Path, options: BlockOptions, seed: int, limit: int | None) -> dict[str, Any]:
    """Return what `fill` needs to carve pictures of pages."""
    from sinonom_cli.relief.page_run import CarvePage, columns_of, pages

    items = pages(inputs, options, limit, out)
    return {
        "options": {**options.options(), "seed": seed},
        "items": items,
        "passed_over": items.passed_over,
        "work": CarvePage(out.absolute(), options, seed),
        "columns": columns_of(options),
        "what": "pages",
    }
