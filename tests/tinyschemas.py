"""Check XML documents against rules of their schemas, written by hand: content, attributes, identifiers, references.

The rules are facts of PAGE 2019-07-15 (pagecontent.xsd), ALTO 4.4 (alto-4-4.xsd) and TEI P5 (Guidelines), for the
elements that `read` writes. An element or attribute that has no rule is a fault.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from defusedxml.ElementTree import fromstring

Check = Callable[[str], bool]
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"


def matches(pattern: str) -> Check:
    return lambda value: re.fullmatch(pattern, value) is not None


def among(values: str) -> Check:
    """Return a check for one of several values, which spaces part."""
    return lambda value: value in values.split()


def anything(_value: str) -> bool:
    return True


def number(value: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", value, re.IGNORECASE) is not None


def share(value: str) -> bool:
    """Return whether a value is an xsd:float in [0, 1]."""
    return number(value) and 0 <= float(value) <= 1


def length(value: str) -> bool:
    return number(value) and math.isfinite(float(value)) and float(value) >= 0


def moment(value: str) -> bool:
    """Return whether a value is an xsd:dateTime in UTC."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def pointer(value: str) -> bool:
    """Return whether a value is a URI reference (RFC 3986) in ASCII, without a scheme."""
    part = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=@]|%[0-9A-F]{2})"
    return re.fullmatch(rf"{part}+(/{part}+)*(\?[^#]*)?(#{part}*)?", value) is not None


IDENTIFIER = matches(r"[A-Za-z_][\w.\-]*")  # NCName without letters beyond ASCII at its start
WHOLE = matches(r"\d+")
POLYGON = matches(r"(\d+,\d+ ){2,}\d+,\d+")  # PAGE's PointsType; an outline has three points or more


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What an element may hold.

    Attributes
    ----------
    content : regular expression of its children's names, each followed by a space.
    required, allowed : checks of attributes by name.
    text : check of its text; None: it has none. In `mixed` content, text may stand between children.
    """

    content: str = ""
    required: Mapping[str, Check] = field(default_factory=dict)
    allowed: Mapping[str, Check] = field(default_factory=dict)
    text: Check | None = None
    mixed: bool = False


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Rules of a format: its namespace, its elements, and the attributes that are identifiers and references."""

    space: str
    root: str
    rules: Mapping[str, Rule]
    identifiers: tuple[str, ...]
    references: tuple[str, ...]


def _coords() -> Rule:
    return Rule(required={"points": POLYGON}, allowed={"conf": share})


DIRECTIONS = among("left-to-right right-to-left top-to-bottom bottom-to-top")
PAGE = Schema(
    space="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15",
    root="PcGts",
    identifiers=("id", "pcGtsId"),
    references=("regionRef",),
    rules={
        "PcGts": Rule(content="Metadata Page ", allowed={"pcGtsId": IDENTIFIER}),
        "Metadata": Rule(content="Creator Created LastChange (Comments )?"),
        "Creator": Rule(text=anything),
        "Created": Rule(text=moment),
        "LastChange": Rule(text=moment),
        "Comments": Rule(text=anything),
        "Page": Rule(
            content="(ReadingOrder )?(TextRegion )*",
            required={"imageFilename": anything, "imageWidth": WHOLE, "imageHeight": WHOLE},
            allowed={"readingDirection": DIRECTIONS, "textLineOrder": DIRECTIONS, "conf": share, "custom": anything},
        ),
        "ReadingOrder": Rule(content="OrderedGroup "),
        "OrderedGroup": Rule(content="(RegionRefIndexed )+", required={"id": IDENTIFIER}),
        "RegionRefIndexed": Rule(required={"index": WHOLE, "regionRef": IDENTIFIER}),
        "TextRegion": Rule(
            content="Coords (TextLine )*(TextEquiv )*",
            required={"id": IDENTIFIER},
            allowed={
                "type": among(
                    "paragraph heading caption header footer page-number drop-capital credit floating signature-mark "
                    "catch-word marginalia footnote footnote-continued endnote TOC-entry list-label other"
                ),
                "custom": anything,
                "readingDirection": DIRECTIONS,
                "textLineOrder": DIRECTIONS,
            },
        ),
        "Coords": _coords(),
        "Baseline": _coords(),
        "TextLine": Rule(
            content="Coords (Baseline )?(Word )*(TextEquiv )*",
            required={"id": IDENTIFIER},
            allowed={"custom": anything, "readingDirection": DIRECTIONS, "index": WHOLE},
        ),
        "Word": Rule(
            content="Coords (Glyph )*(TextEquiv )*",
            required={"id": IDENTIFIER},
            allowed={"custom": anything, "readingDirection": DIRECTIONS},
        ),
        "Glyph": Rule(content="Coords (TextEquiv )*", required={"id": IDENTIFIER}, allowed={"custom": anything}),
        "TextEquiv": Rule(content="(PlainText )?Unicode ", allowed={"index": WHOLE, "conf": share}),
        "Unicode": Rule(text=anything),
    },
)

PLACE = {"HPOS": length, "VPOS": length, "WIDTH": length, "HEIGHT": length}
REFERENCES = matches(r"[A-Za-z_][\w.\-]*( [A-Za-z_][\w.\-]*)*")
ALTO = Schema(
    space="http://www.loc.gov/standards/alto/ns-v4#",
    root="alto",
    identifiers=("ID",),
    references=("TAGREFS", "PROCESSINGREFS", "IDNEXT"),
    rules={
        "alto": Rule(
            content="(Description )?(Styles )?(Tags )?(ReadingOrder )?Layout ",
            allowed={"SCHEMAVERSION": matches(r"4\.4")},
        ),
        "Description": Rule(content="MeasurementUnit (sourceImageInformation )?(Processing )*"),
        "MeasurementUnit": Rule(text=among("pixel mm10 inch1200")),
        "sourceImageInformation": Rule(content="(fileName )?(fileIdentifier )*(documentIdentifier )*"),
        "fileName": Rule(text=anything),
        "Processing": Rule(
            content="(processingCategory )?(processingDateTime )?(processingAgency )?(processingStepDescription )*"
            "(processingStepSettings )?(processingSoftware )?",
            required={"ID": IDENTIFIER},
        ),
        "processingDateTime": Rule(text=moment),
        "processingSoftware": Rule(
            content="(softwareCreator )?(softwareName )?(softwareVersion )?(applicationDescription )?"
        ),
        "softwareName": Rule(text=anything),
        "softwareVersion": Rule(text=anything),
        "Tags": Rule(content="((LayoutTag|StructureTag|RoleTag|NamedEntityTag|OtherTag) )*"),
        "LayoutTag": Rule(
            required={"ID": IDENTIFIER, "LABEL": anything}, allowed={"TYPE": anything, "DESCRIPTION": anything}
        ),
        "Layout": Rule(content="(Page )+"),
        "Page": Rule(
            content="(TopMargin )?(LeftMargin )?(RightMargin )?(BottomMargin )?(PrintSpace )?",
            required={"ID": IDENTIFIER, "PHYSICAL_IMG_NR": number},
            allowed={"WIDTH": length, "HEIGHT": length, "PC": share, "ROTATION": number},
        ),
        "PrintSpace": Rule(content="(Shape )?(TextBlock )*", allowed=PLACE),
        "TextBlock": Rule(
            content="(Shape )?(TextLine )*",
            required={"ID": IDENTIFIER},
            allowed={**PLACE, "TAGREFS": REFERENCES, "BASEDIRECTION": among("ltr rtl ttb btt")},
        ),
        "TextLine": Rule(
            content="(Shape )?(String (SP )?)+(HYP )?",
            allowed={
                **PLACE,
                "ID": IDENTIFIER,
                "TAGREFS": REFERENCES,
                "BASEDIRECTION": among("ltr rtl ttb btt"),
                "CS": among("true false 1 0"),
            },
        ),
        "String": Rule(
            content="(Shape )?(ALTERNATIVE )*(Glyph )*",
            required={"CONTENT": anything},
            allowed={
                **PLACE,
                "ID": IDENTIFIER,
                "WC": share,
                "TAGREFS": REFERENCES,
                "CS": among("true false 1 0"),
            },
        ),
        "Glyph": Rule(
            content="(Shape )?(Variant )*",
            required={"CONTENT": lambda value: len(value) == 1},
            allowed={**PLACE, "ID": IDENTIFIER, "GC": share},
        ),
        "Shape": Rule(content="(Polygon|Ellipse|Circle) "),
        "Polygon": Rule(required={"POINTS": POLYGON}),
        "Variant": Rule(allowed={"CONTENT": lambda value: len(value) <= 3, "VC": share}),
    },
)

PHRASES = "((lb|c|gap) )*"
TEI = Schema(
    space="http://www.tei-c.org/ns/1.0",
    root="TEI",
    identifiers=(XML_ID,),
    references=("facs", "resp"),
    rules={
        "TEI": Rule(content="teiHeader (facsimile )?text "),
        "teiHeader": Rule(content="fileDesc (encodingDesc )?(profileDesc )?(revisionDesc )?"),
        "fileDesc": Rule(content="titleStmt (editionStmt )?(extent )?publicationStmt (notesStmt )?(sourceDesc )+"),
        "titleStmt": Rule(content="(title )+((author|editor|respStmt) )*"),
        "respStmt": Rule(content="(resp )+(name )+", allowed={XML_ID: IDENTIFIER}),
        "resp": Rule(text=bool),
        "name": Rule(text=bool),
        "title": Rule(text=bool),
        "publicationStmt": Rule(content="(p )+"),
        "sourceDesc": Rule(content="(p )+"),
        "facsimile": Rule(content="(surface )+"),
        "surface": Rule(
            content="(graphic )*(zone )*",
            allowed={XML_ID: IDENTIFIER, "ulx": number, "uly": number, "lrx": number, "lry": number},
        ),
        "graphic": Rule(required={"url": pointer}),
        "zone": Rule(
            allowed={
                XML_ID: IDENTIFIER,
                **dict.fromkeys(("ulx", "uly", "lrx", "lry"), number),
                "points": matches(r"(-?\d+(\.\d+)?,-?\d+(\.\d+)? ){2,}-?\d+(\.\d+)?,-?\d+(\.\d+)?"),
            }
        ),
        "text": Rule(content="(front )?body (back )?"),
        "body": Rule(content="(div )+"),
        "div": Rule(content="(head )?(p )+"),
        "p": Rule(content="((pb|lb|fw|note|c|gap) )*", text=anything, mixed=True),
        "pb": Rule(allowed={"n": anything, "facs": matches("#.+")}),
        "lb": Rule(allowed={"n": anything, "facs": matches("#.+")}),
        "fw": Rule(
            content=PHRASES,
            allowed={"type": among("header footer pageNum lineNum sig catch")},
            text=anything,
            mixed=True,
        ),
        "note": Rule(
            content=PHRASES,
            allowed={
                "type": matches(r"[\w.\-]+"),
                "place": among("top bottom margin opposite overleaf above right below left end inline"),
            },
            text=anything,
            mixed=True,
        ),
        "c": Rule(
            allowed={
                "facs": matches("#.+"),
                "resp": matches("#.+"),
                "cert": among("high medium low unknown"),
            },
            text=lambda value: len(value) == 1,
        ),
        "gap": Rule(
            allowed={
                "reason": matches(r"[\w.\-]+"),
                "quantity": length,
                "unit": among("chars"),
                "facs": matches("#.+"),
                "resp": matches("#.+"),
            }
        ),
    },
)


def faults(document: str, schema: Schema) -> list[str]:
    """Return what is wrong with a document, one line each; nothing if it keeps all rules."""
    root = fromstring(document.encode("utf-8"))
    found = [] if root.tag == f"{{{schema.space}}}{schema.root}" else [f"the root is {root.tag}"]
    names: list[str] = []
    asked: list[str] = []
    for element in root.iter():
        space, _, tag = element.tag.rpartition("}")
        rule = schema.rules.get(tag) if space == "{" + schema.space else None
        if rule is None:
            found.append(f"{element.tag} is unknown")
            continue
        children = "".join(child.tag.rpartition("}")[2] + " " for child in element)
        if not re.fullmatch(rule.content, children):
            found.append(f"{tag} holds {children}")
        checks = {**rule.allowed, **rule.required}
        found += [f"{tag} lacks {name}" for name in rule.required if name not in element.attrib]
        for name, value in element.attrib.items():
            if name not in checks or not checks[name](value):
                found.append(f"{tag} has {name}={value!r}")
            names += [value] if name in schema.identifiers else []
            asked += value.replace("#", "").split() if name in schema.references else []
        text = element.text or ""
        if not (rule.text(text) if rule.text else not text.strip()):
            found.append(f"{tag} reads {text!r}")
        if not rule.mixed and any((child.tail or "").strip() for child in element):
            found.append(f"{tag} holds text between its children")
    found += [f"{name} is the name of two elements" for name in sorted({one for one in names if names.count(one) > 1})]
    return found + [f"{name} is referred to and is nowhere" for name in sorted(set(asked) - set(names))]
