"""Print the description of a set on stdout, as text for people or as JSON for scripts."""

from sinonom_cli import console
from sinonom_cli.characters import char_of, is_private
from sinonom_cli.reports.describe_sets import LARGEST, Description


def show(found: Description, as_json: bool) -> None:
    """Print the description of one set."""
    if as_json:
        console.data_json(_record(found))
    else:
        console.data("\n".join(_lines(found)) + "\n")


def _record(found: Description) -> dict[str, object]:
    return {
        "set": str(found.path),
        "images": found.images,
        "characters": found.characters,
        "unlabelled": found.unlabelled,
        "private_use": found.private,
        "images_of_a_character": [
            {"from": bar.low, "to": bar.high, "characters": bar.characters, "images": bar.images} for bar in found.bars
        ],
        "commonest": [{"label": label, "char": char_of(label), "images": count} for label, count in found.commonest],
        "sources": {
            "kind": found.grouped_by,
            "count": found.groups,
            "largest": [{"name": name, "images": count} for name, count in found.largest],
        },
        "sizes": {
            "looked_at": found.looked_at,
            "bad": len(found.bad),
            "found": [{"width": width, "height": height, "images": n} for (width, height), n in found.sizes],
        },
        "doubtful": {"left_out": found.doubtful, "in_the_set": found.kept},
        "failed": found.failed,
    }


def _lines(found: Description) -> list[str]:
    characters = f" of {found.characters:,} characters" if found.characters else ""
    if found.private:
        characters += f", {found.private:,} of them Private Use"
    lines = [f"{found.path}: {found.images:,} images{characters}"]
    if found.unlabelled:
        lines.append(f"  {found.unlabelled:,} images have no label")
    if found.bars:
        lines += ["", f"  {'images each':<20}{'characters':>12}{'images':>12}"]
        for bar in found.bars:
            each = f"{bar.low:,}" if bar.low == bar.high else f"{bar.low:,}-{bar.high:,}"
            lines.append(f"  {each:<20}{bar.characters:>12,}{bar.images:>12,}")
        lines += ["", "  most images: " + ", ".join(f"{_name(label)} {n:,}" for label, n in found.commonest)]
    lines += ["", f"  made from {found.groups:,} {found.grouped_by if found.groups > 1 else found.grouped_by[:-1]}"]
    if found.groups < found.images:  # otherwise every source has one image, so the counts say nothing
        width = max(len(name) for name, _ in found.largest) + 2
        lines += [f"    {name:<{width}}{count:>10,}" for name, count in found.largest]
        if found.groups > LARGEST:
            lines.append("    ...")
    return [*lines, "", *_sizes(found), *_doubtful(found)]


def _name(label: str) -> str:
    """Return the character; for a Private Use character, which fonts draw differently, return its label."""
    return label if is_private(char_of(label)) else char_of(label)


def _sizes(found: Description) -> list[str]:
    which = "all" if found.looked_at == found.images else f"a sample of {found.looked_at:,}"
    sizes = [size for size, _ in found.sizes]
    if not sizes:
        return [f"  sizes ({which}): none could be read"]
    shown = ", ".join(f"{width} x {height} ({count:,})" for (width, height), count in found.sizes[:5])
    if len(sizes) > 5:
        widths, heights = [width for width, _ in sizes], [height for _, height in sizes]
        shown += f", ...: {min(widths)}-{max(widths)} wide, {min(heights)}-{max(heights)} high"
    return [f"  sizes ({which}): {shown}"]


def _doubtful(found: Description) -> list[str]:
    lines = []
    for reasons, where in ((found.doubtful, "left out, see doubtful.csv"), (found.kept, "in the set")):
        if reasons:
            lines.append(f"  doubtful, {where}: {sum(reasons.values()):,}")
            lines += [f"    {count:>8,}  {reason}" for reason, count in list(reasons.items())[:LARGEST]]
    if found.failed:
        lines.append(f"  failed inputs: {found.failed:,}, see failures.csv")
    return lines
