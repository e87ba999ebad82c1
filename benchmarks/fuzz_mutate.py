"""Damage files: bytes, text with numbers, JSON, PNG with right checksums, GLB and XML."""

import json
import random
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

Case = dict[str, bytes]
"""File contents by file name."""

NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "255",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967296",
    "99999999999999999999",
    "1e9",
)
NUMBERS += ("1e38", "1e39", "-1e308", "1e309", "1e-320", "nan", "inf", "-inf", "-0", "0x10", "1_0", "1,5", "٣", "½", "")
WORDS = (
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\0",
    '"',
    "'",
    "\\",
    "\\\n",
    ",",
    ";",
    "#",
    "#0",
    "/",
    "//",
    "..",
    "../x",
    "a:b",
    "*",
    "[",
)
WORDS += (
    "\ufeff",
    "\u2028",
    "\u200d",
    "\ufe00",
    "\u0301",
    "字",
    "𡦂",
    "\ue001",
    "é",
    "\x1b",
    "%s",
    "{}",
    "U+5B57",
    "CON",
    "-",
)
PIECES = (
    b"",
    b"\0",
    b"\xff",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\x7f\xc0",
    b"\x80\x7f",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    10**30,
    0.5,
    -1e300,
    1e-300,
    "",
    "x",
    "../..",
    "字" * 400,
)
VALUES += ([], {}, [[]], [None], {"": None}, [1, "x"], "nan", float("nan"), float("inf"))


def damage(case: Case, victims: Callable[[str], bool], rng: random.Random) -> Case:
    """Return a copy of a case with one to eight changes in one of the files that `victims` names."""
    name = rng.choice(sorted(name for name in case if victims(name)))
    content = case[name]
    if rng.random() < 0.01:
        return {other: content for other, content in case.items() if other != name}
    kind = _KINDS.get(PurePosixPath(name).suffix.lower(), of_bytes)
    for _ in range(min(8, 1 + int(rng.expovariate(0.7)))):
        content = (kind if rng.random() < 0.8 else of_bytes)(content, rng)
    return {**case, name: content}


def of_bytes(content: bytes, rng: random.Random) -> bytes:
    """Flip, set, cut, repeat or insert bytes, or change a number of two, four or eight bytes."""
    if not content:
        return rng.choice(PIECES)
    at = rng.randrange(len(content)) if rng.random() < 0.6 else rng.randrange(min(len(content), 160))
    end = min(len(content), at + 1 + int(rng.expovariate(0.05)))
    before, piece, after = content[:at], content[at:end], content[end:]
    changed = (
        before + bytes([content[at] ^ (1 << rng.randrange(8)), *content[at + 1 :]]),
        before + bytes([rng.randrange(256), *content[at + 1 :]]),
        before,
        before + after,
        before + piece * rng.choice((2, 3, 50)) + after,
        before + rng.choice(PIECES) + content[at:],
        before + bytes(len(piece)) + after,
    )
    if (choice := rng.randrange(9)) < len(changed):
        return changed[choice]
    form = rng.choice(("<h", ">h", "<i", ">i", "<q", ">q", "<f", "<d"))
    if form[1] in "fd":
        number = struct.pack(form, rng.choice((float("nan"), float("inf"), -1.0, 1e38, 1e-40, 0.0)))
    else:
        bits = 8 * struct.calcsize(form)
        number = struct.pack(form, rng.choice((0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), 255, 256, 10000)))
    return before + number + content[at + len(number) :]


def of_text(content: bytes, rng: random.Random) -> bytes:
    """Change a number, a word, a line, the encoding or the line ends of a text."""
    text = content.decode("utf-8", "surrogateescape")
    choice = rng.randrange(10)
    if choice <= 3 and (found := list(re.finditer(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text))):
        one = rng.choice(found)
        text = text[: one.start()] + rng.choice(NUMBERS) + text[one.end() :]
    elif choice <= 5 and (found := list(re.finditer(r"[^\s,;:/<>=\"]+", text))):
        one, other = rng.choice(found), rng.choice(found)
        put = rng.choice((rng.choice(WORDS), other.group(), one.group() * 2, "字" * 5000))
        text = text[: one.start()] + put + text[one.end() :]
    elif choice == 6:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(WORDS) + text[at:]
    elif choice <= 8:
        lines = text.splitlines(keepends=True) or [""]
        a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
        way = rng.randrange(4)
        if way == 0:
            del lines[a]
        elif way == 1:
            lines.insert(b, lines[a] * rng.choice((1, 1, 200)))
        elif way == 2:
            lines[a], lines[b] = lines[b], lines[a]
        else:
            lines[a] = lines[a].rstrip("\r\n") + lines[b]
        text = "".join(lines)
    else:
        way = rng.randrange(4)
        if way < 2:
            return text.replace("\n", ("\r\n", "\r")[way]).encode("utf-8", "surrogateescape")
        return text.encode(("utf-16", "gb18030")[way - 2], "replace")
    return text.encode("utf-8", "surrogateescape")


def of_json(content: bytes, rng: random.Random) -> bytes:
    """Change or remove one value of a JSON document."""
    try:
        document = json.loads(content)
    except ValueError:
        return of_text(content, rng)
    places: list[tuple[Any, Any]] = []
    stack = [document]
    while stack:
        node = stack.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            places.append((node, key))
            stack.append(node[key])
    if not places:
        return json.dumps(rng.choice(VALUES)).encode()
    node, key = rng.choice(places)
    if rng.random() < 0.2:
        del node[key]
    elif isinstance(node[key], str) and rng.random() < 0.3:
        node[key] = node[key] + rng.choice(WORDS)
    else:
        node[key] = rng.choice(VALUES)
    return json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def of_png(content: bytes, rng: random.Random) -> bytes:
    """Change the chunks of a PNG and correct their checksums; pixels are changed before compression."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        length = struct.unpack(">I", content[at : at + 4])[0]
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return of_bytes(content, rng)
    number = rng.randrange(len(chunks))
    name, body = chunks[number]
    if name == b"IDAT":
        try:
            body = zlib.compress(of_bytes(zlib.decompress(body), rng), 1)
        except zlib.error:
            body = of_bytes(body, rng)
    else:
        body = of_bytes(body, rng)
    way = rng.randrange(8)
    chunks[number] = (name if way else rng.choice((b"tRNS", b"PLTE", b"acTL", b"zTXt", b"IDAT", b"IEND")), body)
    if way == 1:
        chunks.insert(rng.randrange(len(chunks)), chunks[number])
    out = content[:8]
    for name, body in chunks:
        out += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return out


def of_glb(content: bytes, rng: random.Random) -> bytes:
    """Change the JSON of a GLB and correct its lengths, or change its bytes."""
    try:
        length = struct.unpack("<I", content[12:16])[0]
        body = of_json(content[20 : 20 + length], rng)
    except struct.error:
        return of_bytes(content, rng)
    body += b" " * (-len(body) % 4)
    rest = content[20 + length :]
    head = struct.pack("<4sII", b"glTF", 2, 20 + len(body) + len(rest)) + struct.pack("<I4s", len(body), b"JSON")
    return of_bytes(content, rng) if rng.random() < 0.4 else head + body + rest


def of_xml(content: bytes, rng: random.Random) -> bytes:
    """Remove or duplicate an element or attribute of an XML document, or change its text."""
    found = list(re.finditer(rb"<[A-Za-z][^<>]*>|</[^<>]*>|[A-Za-z]+=\"[^\"]*\"", content))
    if not found or rng.random() < 0.5:
        return of_text(content, rng)
    one, other = rng.choice(found), rng.choice(found)
    put = rng.choice((b"", one.group() * 2, other.group(), b"<a>" * 3000, b"<!DOCTYPE a>", b"&#55296;", b"&lol;"))
    return content[: one.start()] + put + content[one.end() :]


_KINDS: dict[str, Callable[[bytes, random.Random], bytes]] = {".json": of_json, ".png": of_png, ".glb": of_glb}
_KINDS |= {".xml": of_xml} | dict.fromkeys((".csv", ".txt", ".obj", ".off", ".list"), of_text)
