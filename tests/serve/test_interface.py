"""The JSON interface answers as the commands do, refuses what is hostile, and says each error in one line."""

import io
import json
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from tinysite import CHARS, Tiny, glyph, printed_site

from sinonom_cli import cli
from sinonom_cli.meshes.read import read_mesh
from sinonom_cli.serve.app import make_app
from sinonom_cli.serve.site import Site, make_site

HOME = "http://127.0.0.1:8710"


def client_of(site: Site, **options: str) -> TestClient:
    base = options.pop("base", HOME)
    return TestClient(make_app(site, **options), base_url=base, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    site = make_site(
        index=tiny.index, folders=[tiny.block, tiny.page], cache=tmp_path_factory.mktemp("cache"), who="Lan"
    )
    yield client_of(site)
    site.close()


@pytest.fixture
def folder(tiny: Tiny, tmp_path: Path) -> Path:
    """Return a copy of the block, to be corrected."""
    shutil.copytree(tiny.block, tmp_path / "bản khắc")
    return tmp_path / "bản khắc"


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    capsys.readouterr()
    assert cli.run([str(argument) for argument in arguments]) == 0
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    del answer["query"]
    return answer


def error_of(answer: object, status: int, *named: str) -> str:
    """Check that an answer is an error of one line that names all of `named`."""
    assert answer.status_code == status, answer.text  # type: ignore[attr-defined]
    told = answer.json()  # type: ignore[attr-defined]
    assert set(told) == {"error", "hint"} and "\n" not in told["error"] + told["hint"]
    said = f"{told['error']} {told['hint']}"
    assert [name for name in named if name not in said] == [], said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("options", "typed"),
    [("", []), ("?top=2&rerank=0", ["--top", 2, "--rerank", 0]), ("?rerank=0&names=0", ["--rerank", 0, "--no-names"])],
)
def test_a_query_has_the_answers_of_the_command_to_the_last_digit(
    client: TestClient, tiny: Tiny, options: str, typed: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    picture = glyph("字")
    wanted = printed(capsys, "query", picture, "--index", tiny.index, "--json", *typed)
    told = client.post(f"/api/query{options}", content=picture.read_bytes()).json()
    items = told.pop("items")
    assert told == wanted
    assert [each["item"] for each in items] == [each["item"] for each in wanted["results"]]  # type: ignore[attr-defined]


def test_a_query_with_a_number_that_is_none_is_refused(client: TestClient) -> None:
    error_of(client.post("/api/query?names=2", content=glyph("字").read_bytes()), 400, "names")


def test_a_name_has_the_answers_of_the_command(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    picture = glyph("天")
    wanted = printed(capsys, "query", picture, "--json")
    assert client.post("/api/name", content=picture.read_bytes()).json() == wanted


def test_the_picture_and_the_mesh_of_an_item_are_those_of_its_files(client: TestClient, tiny: Tiny) -> None:
    item = client.get("/api/items", params={"char": "人"}).json()["items"][0]
    shown = Image.open(io.BytesIO(client.get(f"/api/items/{item['id']}/picture?side=96").content))
    np.testing.assert_array_equal(
        np.asarray(shown), np.asarray(Image.open(tiny.folder / "depth/images" / item["item"]))
    )
    about = client.get(f"/api/items/{item['id']}").json()
    whole = client.get(f"{about['mesh']}?whole=1").content
    path = tiny.folder / "whole.glb"
    path.write_bytes(whole)
    mesh = read_mesh(tiny.folder / "meshes" / item["source"])
    np.testing.assert_array_equal(read_mesh(path), mesh)
    few = client.get(f"{about['mesh']}?faces=500").content
    assert len(few) < len(whole) / 4
    assert client.get(f"{about['mesh']}?faces=500").content == few  # from the cache


def test_an_index_without_its_meshes_says_where_they_were_looked_for(tiny: Tiny, tmp_path: Path) -> None:
    for name in ("db.faiss", "db.faiss.json", "db.faiss.rows.csv", "db.faiss.marks"):
        shutil.copy(tiny.folder / name, tmp_path)
    site = make_site(index=tmp_path / "db.faiss", cache=tmp_path / "cache")
    client = client_of(site)
    assert client.post("/api/query", content=glyph("字").read_bytes()).json()["results"][0]["char"] == "字"
    about = client.get("/api/items/0").json()
    assert about["mesh"] is None and str(tmp_path) in " ".join(about["looked_at"])
    error_of(client.get("/api/items/0/mesh"), 404, "--meshes")
    error_of(client.get("/api/items/0/picture"), 400, str(tmp_path / "depth"))
    site.close()
    again = make_site(index=tmp_path / "db.faiss", meshes=[tiny.folder / "meshes"], cache=tmp_path / "cache")
    assert client_of(again).get("/api/items/0").json()["mesh"] == "/api/items/0/mesh"
    again.close()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({}, CHARS),
        ({"char": "U+5B57"}, "字"),
        ({"char": "大"}, "大"),
        ({"text": "tự"}, "字"),
        ({"reading": "tu"}, "字"),
        ({"meaning": "letter character"}, "字"),
        ({"char": "大", "reading": "tự"}, ""),
        ({"char": "水"}, ""),
        ({"component": "人"}, "人"),
        ({"component": "亻"}, "人"),
        ({"component": "37", "text": "đại"}, "大"),
        ({"component": "大"}, "大天"),
    ],
)
def test_items_are_found_by_character_reading_and_meaning(
    client: TestClient, words: dict[str, str], found: str
) -> None:
    told = client.get("/api/items", params=words).json()
    assert sorted(each["char"] for each in told["items"]) == sorted(found)
    assert told["total"] == len(found)


def test_what_is_no_radical_is_said(client: TestClient) -> None:
    error_of(client.get("/api/items", params={"component": "甚"}), 400, "甚")


def test_a_list_has_pages(client: TestClient) -> None:
    pages = [client.get(f"/api/items?count=3&page={page}").json() for page in (1, 2, 3)]
    assert [len(each["items"]) for each in pages] == [3, 1, 0]
    assert pages[0]["pages"] == 2
    assert {each["id"] for page in pages for each in page["items"]} == {0, 1, 2, 3}


def test_the_map_shows_the_two_directions_of_greatest_variance(client: TestClient, tiny: Tiny) -> None:
    import faiss

    told = client.get("/api/map").json()
    index = faiss.read_index(str(tiny.index))
    vectors = index.reconstruct_n(0, index.ntotal).astype(float)
    vectors -= vectors.mean(axis=0)
    _, scales, _ = np.linalg.svd(vectors, full_matrices=False)
    spread = np.std([told["x"], told["y"]], axis=1)
    assert spread[0] / spread[1] == pytest.approx(scales[0] / scales[1], rel=1e-3)


def test_an_overlay_lays_a_moved_picture_back(client: TestClient, tiny: Tiny) -> None:
    item = client.get("/api/items", params={"char": "大"}).json()["items"][0]
    picture = (tiny.folder / "depth/images" / item["item"]).read_bytes()
    told = client.post(f"/api/items/{item['id']}/overlay", content=picture).json()
    assert told["correlation"] > 0.99
    np.testing.assert_allclose(told["map"], [[1, 0, 0], [0, 1, 0]], atol=0.02)
    assert told["query"].startswith("data:image/png;base64,")


def test_a_page_that_is_sent_is_read(client: TestClient, tiny: Tiny) -> None:
    told = client.post("/api/read", content=(tiny.page / "pages/trang 1.png").read_bytes()).json()
    assert told["text"] == "天之字"


def png(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
HOSTILE = {
    "a bomb": png(50_000, 50_000),
    "a truncated picture": glyph("字").read_bytes()[:200],
    "SVG": SVG,
    "HTML": b"<!doctype html><script>1</script>",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "a PDF that says GIF": b"%PDF-1.4 GIF89a",
    "nothing": b"",
    "noise": bytes(range(256)) * 9,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("where", ["query", "name", "read", "preview", "items/0/overlay"])
def test_hostile_uploads_are_refused_in_one_line(client: TestClient, kind: str, where: str) -> None:
    said = error_of(client.post(f"/api/{where}", content=HOSTILE[kind]), 400)
    assert "sinonom-serve" not in said  # the path of the temporary file is no business of the browser


def test_an_upload_above_20_mb_is_refused_whether_or_not_it_says_its_length(client: TestClient) -> None:
    error_of(client.post("/api/query", content=bytes(20_000_001)), 413, "20 MB")

    def chunks() -> Iterator[bytes]:
        for _ in range(21):
            yield bytes(1_000_000)

    error_of(client.post("/api/query", content=chunks()), 413, "20 MB")


def test_no_upload_stays_on_the_disk(tiny: Tiny, tmp_path: Path) -> None:
    site = make_site(index=tiny.index, cache=tmp_path)
    client = client_of(site)
    client.post("/api/query", content=glyph("字").read_bytes())
    client.post("/api/query", content=SVG)
    assert list(Path(site.uploads.name).iterdir()) == []
    site.close()


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fapp.py", "/static//etc/passwd",
        "/static/%2fetc%2fpasswd", "/api/items/..%2f..", "/api/items/99/picture", "/api/items/-1",
        "/api/folders/0/sheets/9", "/api/folders/9", "/api/folders/0/sheets/..%2f1/picture", "/nothing",
        "/api/folders/0/sheets/0/characters/99/mesh", "/api/items/99999999999999999999/picture",
    ],
)  # fmt: skip
def test_no_address_leads_out_of_what_is_served(client: TestClient, path: str) -> None:
    error_of(client.get(path), 404)


@pytest.mark.parametrize("typed", [None, "."])
def test_a_table_that_names_a_file_outside_its_folder_is_refused(
    folder: Path, typed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    table = folder / "metadata.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("blocks/khối 1.png", "../../x.png"), encoding="utf-8")
    site = make_site(folders=[Path(typed or folder)], cache=folder)
    error_of(client_of(site).get("/api/folders/0/sheets/0/picture"), 400, "outside")
    site.close()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.9", "", "[::1].x"])
def test_a_request_under_another_name_is_refused(client: TestClient, host: str) -> None:
    error_of(client.get("/api/state", headers={"host": host}), 403)
    assert client.get("/api/state", headers={"host": "localhost:8710"}).status_code == 200


def test_a_page_of_another_site_may_not_ask(client: TestClient) -> None:
    picture = glyph("字").read_bytes()
    error_of(client.post("/api/query", content=picture, headers={"origin": "http://evil.example"}), 403)
    error_of(client.post("/api/query", content=picture, headers={"sec-fetch-site": "cross-site"}), 403)
    assert client.post("/api/query", content=picture, headers={"origin": HOME}).status_code == 200


def test_every_answer_tells_browsers_to_stay_here(client: TestClient) -> None:
    for path in ("/", "/api/state", "/static/app.js", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "http" not in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def correct(client: TestClient, where: str = "/api/folders/0/sheets/0", **fields: object) -> object:
    state, sheet = client.get("/api/state").json(), client.get(where).json()
    body = {"version": sheet["version"], **fields}
    return client.post(f"{where}/corrections", json=body, headers={"X-Sinonom-Token": state["token"]})


def text(sheet: dict[str, list[dict[str, str]]]) -> str:
    return "".join(one["char"] or "□" for one in sheet["characters"])


def test_corrections_are_written_and_read_again_by_the_next_server(folder: Path) -> None:
    site = make_site(folders=[folder], cache=folder / "cache", who="Lan")
    client = client_of(site)
    assert text(client.get("/api/folders/0/sheets/0").json()) == "字人大天之不"
    for fields, wanted in (
        ({"action": "change", "places": [1], "chars": ["入"]}, "字入大天之不"),
        ({"action": "merge", "places": [3, 4], "chars": ["夫"]}, "字入大夫不"),
        ({"action": "split", "places": [0]}, "□□入大夫不"),
        ({"action": "delete", "places": [5]}, "□□入大夫"),
        ({"action": "undo"}, "□□入大夫不"),
        ({"action": "accept", "places": [3], "who": "Hoa"}, "□□入大夫不"),
        ({"action": "add", "boxes": [[18, 37, 28, 40]], "chars": ["口"]}, "□□入大口夫不"),
    ):
        assert text(correct(client, **fields).json()) == wanted, fields  # type: ignore[attr-defined]
    site.close()
    lines = [json.loads(line) for line in (folder / "corrections.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["who"] for line in lines[1:]] == ["Lan"] * 5 + ["Hoa", "Lan"]
    again = make_site(folders=[folder], cache=folder / "cache")
    assert text(client_of(again).get("/api/folders/0/sheets/0").json()) == "□□入大口夫不"
    again.close()


def test_boxes_that_people_make_are_named_on_the_spot_as_their_picture_is(tiny: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny.page, tmp_path / "đọc")
    site = make_site(folders=[tmp_path / "đọc"], cache=tmp_path / "cache", who="Lan")
    client = client_of(site)
    assert client.get("/api/folders/0/sheets/0/picture").content == (tmp_path / "đọc/clean/trang 1.jpg").read_bytes()
    x0, y0, x1, y1 = map(int, client.get("/api/folders/0/sheets/0").json()["characters"][2]["box"])
    correct(client, action="delete", places=[2])
    added = correct(client, action="add", boxes=[[x0, y0, x1, y1]]).json()["characters"][2]  # type: ignore[attr-defined]
    assert (added["char"], added["checked"], len(added["names"])) == ("字", False, 5)
    content = io.BytesIO()
    Image.open(tmp_path / "đọc/clean/trang 1.jpg").crop((x0, y0, x1, y1)).save(content, "PNG")
    asked = client.post("/api/name?top=1", content=content.getvalue()).json()["results"][0]
    assert added["names"][0]["char"] == asked["char"] == "字" and added["probability"] > 0.5
    halves = correct(client, action="split", places=[2]).json()["characters"][2:]  # type: ignore[attr-defined]
    assert [len(one["names"]) for one in halves] == [5, 5] and not any(one["checked"] for one in halves)
    whole = correct(client, action="merge", places=[2, 3]).json()["characters"][2]  # type: ignore[attr-defined]
    assert whole["char"] == "字" and len(whole["names"]) == 5
    accepted = correct(client, action="accept", places=[2]).json()["characters"][2]  # type: ignore[attr-defined]
    assert (accepted["char"], accepted["checked"], accepted["probability"]) == ("字", True, 1)
    site.close()


def test_a_page_comes_with_the_carvings_that_printed_its_characters(tiny: Tiny, tmp_path: Path) -> None:
    printed = printed_site(tiny, tmp_path)
    site = make_site(index=printed.index, folders=[printed.page], cache=tmp_path / "cache")
    client = client_of(site)
    where = "/api/folders/0/sheets/0"
    [block] = client.get(f"{where}/blocks").json()["blocks"]
    assert (block["block"], block["agreeing"], block["placed"]) == ("khối 1", 2, 3)
    assert (block["width"], block["height"]) == (30, 40)
    assert client.get(block["picture"]).content == (printed.block / "blocks/khối 1.png").read_bytes()
    numbers = {one["char"]: one["number"] for one in client.get(where).json()["characters"]}
    assert {one["char"]: one["printed"] for one in block["carvings"]} == {
        "字": [numbers["字"]], "人": [], "大": [], "天": [numbers["天"]],
    }  # fmt: skip
    boxes = {one["char"]: one["box"] for one in block["carvings"]}
    assert boxes["天"] == [6, 2, 16, 12] and client.get(f"/api/items/{block['carvings'][0]['item']}").status_code == 200
    correct(client, action="delete", places=[0])
    assert {one["char"]: one["number"] for one in client.get(where).json()["characters"]}["字"] == numbers["字"]
    site.close()
    alone = make_site(folders=[printed.page], cache=tmp_path / "cache")
    [named] = client_of(alone).get(f"{where}/blocks").json()["blocks"]
    assert (named["block"], named["carvings"], named["width"]) == ("khối 1", [], 0)
    alone.close()


def test_the_outlines_of_a_mirrored_block_lie_on_its_characters(client: TestClient) -> None:
    for one in client.get("/api/folders/0/sheets/0").json()["characters"]:
        x0, y0 = np.min(one["outline"], axis=0)
        x1, y1 = np.max(one["outline"], axis=0)
        assert [x0, y0, x1, y1] == pytest.approx(one["box"])


@pytest.mark.parametrize("token", [None, "wrong", "ộ"])
def test_nothing_is_written_without_the_token(folder: Path, token: str | None) -> None:
    site = make_site(folders=[folder], cache=folder / "cache")
    headers = {} if token is None else {"X-Sinonom-Token": token.encode("utf-8")}
    body = {"action": "delete", "places": [0], "version": 0}
    error_of(client_of(site).post("/api/folders/0/sheets/0/corrections", json=body, headers=headers), 403, "token")
    assert not (folder / "corrections.jsonl").exists()
    site.close()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"action": "burn"}, 400), ({"action": "change", "places": [0]}, 400),
        ({"action": "change", "places": [99]}, 400),
        ({"action": "change", "places": [0], "chars": ["ab"]}, 400), ({"action": "merge", "places": [0]}, 400),
        ({"action": "merge", "places": [0, 0]}, 400), ({"action": "add"}, 400), ({"action": "undo"}, 409),
        ({"action": "add", "boxes": [[5, 5, 1, 9]]}, 400), ({"action": "add", "boxes": [["a"]]}, 400),
        ({"action": "delete", "places": ["0"]}, 400), ({"action": "delete", "places": [0], "version": 7}, 409),
        ({"action": "delete", "places": [0], "more": 1}, 400), ({"action": "accept", "places": [-1]}, 400),
        ({"action": "add", "boxes": [[0, 0, 1e300, 9]]}, 400),
    ],
)  # fmt: skip
def test_a_correction_that_makes_no_sense_is_refused_and_nothing_is_written(
    folder: Path, fields: dict[str, object], status: int
) -> None:
    site = make_site(folders=[folder], cache=folder / "cache")
    error_of(correct(client_of(site), **fields), status)
    assert not (folder / "corrections.jsonl").exists()
    site.close()


def test_bodies_that_are_no_json_are_refused(folder: Path) -> None:
    site = make_site(folders=[folder], cache=folder / "cache")
    client = client_of(site)
    token = {"X-Sinonom-Token": site.write_token}
    for body in (b"", b"{", b"[]", b"[" * 50_000, b"\xff"):
        error_of(client.post("/api/folders/0/sheets/0/corrections", content=body, headers=token), 400)
    error_of(client.post("/api/folders/0/sheets/0/corrections", content=bytes(100_001), headers=token), 413)
    site.close()


def test_another_address_asks_for_its_token(tiny: Tiny, tmp_path: Path) -> None:
    site = make_site(folders=[tiny.page], cache=tmp_path)
    client = client_of(site, host="192.168.0.9", token="s3cret", base="http://192.168.0.9:8710")
    error_of(client.get("/"), 401, "token")
    error_of(client.get("/api/state", headers={"authorization": "Bearer wrong"}), 401)
    assert client.get("/api/state", headers={"authorization": "Bearer s3cret"}).status_code == 200
    entered = client.get("/?token=s3cret", follow_redirects=False)
    assert entered.status_code == 303 and "httponly" in entered.headers["set-cookie"].lower()
    assert client.get("/api/state").status_code == 200  # the cookie was kept
    error_of(client.get("/api/state", headers={"host": "evil.example"}), 403)
    site.close()


def test_every_address_is_described_and_every_description_is_an_address(client: TestClient) -> None:
    described = client.get("/api").json()
    assert described["openapi"] == "3.1.0"
    values = {"id": "0", "folder": "0", "sheet": "0", "place": "0", "number": "0"}
    for path, methods in described["paths"].items():
        for method in methods:
            told = client.request(method, path.format(**values))
            assert told.status_code not in (405, 500), path
            assert told.status_code != 404 or path.endswith(("}/corrections", "{number}/picture")), path
    app = client.app.app  # type: ignore[attr-defined]
    known = {route.path.replace(":int", "") for route in app.routes if route.path.startswith("/api/")}
    assert known == set(described["paths"])


@pytest.mark.parametrize("query", ["top=0", "top=a", "top=999", "reject=perhaps", "top=٣"])
def test_parameters_out_of_range_are_named(client: TestClient, query: str) -> None:
    error_of(client.post(f"/api/query?{query}", content=glyph("字").read_bytes()), 400, query.split("=", maxsplit=1)[0])
