"""/predict, /segment and /model of a running server, held to the library's own answers."""

from __future__ import annotations

import base64
import io
import re
import struct
import zlib
from typing import Any
from urllib.parse import urljoin

import httpx
import numpy as np
import pytest
from PIL import Image

from imagewise.framing.framing import frame_file
from imagewise.model.model import load_model
from imagewise.model.occlusion import occlusion
from running_servers import RunningServer, digit, encoded, in_process, noise


def problem(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    """An error has the one shape of all errors, and says so."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance"}
    assert body["status"] == status
    assert body["instance"] == f"urn:request:{answer.headers['x-request-id']}"
    assert "Traceback" not in body["detail"]
    assert "/src/" not in body["detail"]
    for word in words:
        assert word in body["detail"]
    return body


def forms(*contents: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("pictures", (f"{number}.png", content)) for number, content in enumerate(contents)]


def test_one_picture_as_the_body_gives_what_the_library_says(client: httpx.Client) -> None:
    for picture in (digit(7), digit(1, 300), encoded(noise(90, 70), "JPEG")):
        answer = client.post("/predict", content=picture).json()
        wanted = load_model().predict(picture)
        assert answer["label"] == wanted.label
        assert answer["probability"] == pytest.approx(wanted.probability, abs=1e-5)
        assert [row["label"] for row in answer["top"]] == [label for label, _ in wanted.top]
        assert answer["model"] == "digits"
        assert len(answer["version"]) == 12
        assert answer["milliseconds"] > 0


def test_a_picture_without_ink_is_doubted_and_one_with_ink_is_not(client: httpx.Client) -> None:
    paper = encoded(Image.new("L", (120, 90), 250))
    assert client.post("/predict", content=paper).json()["doubt"] == "no ink"
    rows = client.post("/predict", files=forms(digit(7), paper)).json()
    assert [row["doubt"] for row in rows] == [None, "no ink"]


def test_several_pictures_of_a_form_give_a_list_in_their_order(client: httpx.Client) -> None:
    answers = client.post("/predict", files=forms(digit(7), digit(1), digit(7, 200))).json()
    assert [(row["picture"], row["label"]) for row in answers] == [("0.png", "7"), ("1.png", "1"), ("2.png", "7")]


def test_one_picture_of_a_form_still_gives_a_list(client: httpx.Client) -> None:
    assert [row["label"] for row in client.post("/predict", files=forms(digit(7))).json()] == ["7"]


def test_an_unreadable_picture_among_others_is_told_of_in_its_place(client: httpx.Client) -> None:
    first, second = client.post("/predict", files=forms(b"no picture", digit(1))).json()
    assert first["error"].startswith("0.png: not a picture")
    assert second["label"] == "1"
    assert problem(client.post("/predict", files=forms(b"none")), 422)["detail"].startswith("0.png: not a picture")
    problem(client.post("/predict", files=forms(b"none", b"")), 422, "None of the 2 pictures", " 0.png: not a picture")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Zoë's 数字 👩\u200d🎨.png", "Zoë's 数字 👩\u200d🎨.png"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),  # as JSON: see its headers
        ("a\x1b[31m\x7f\u0085b.png", "a\ufffd[31m\ufffd\ufffdb.png"),
        ("7\u202egnp.exe", "7\ufffdgnp.exe"),
        ("n" * 255, "n" * 255),
        ("n" * 3000, "n" * 254 + "…"),
        ("", "picture-2"),
    ],
)
def test_an_error_names_the_file_of_the_form_but_nothing_that_breaks_text(
    client: httpx.Client, given: str, shown: str
) -> None:
    parts = [(b"seven.png", digit()), (given.encode(), b"no picture")]
    head = b'--b\r\nContent-Disposition: form-data; name="pictures"; filename="%s"\r\n\r\n'
    body = b"".join(head % name + content + b"\r\n" for name, content in parts) + b"--b--\r\n"
    answer = client.post("/predict", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    row = answer.json()[1]
    assert row["picture"] == shown
    assert row["error"] == f"{shown}: not a picture in a format that Pillow reads. Save it as PNG or JPEG."
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("top", "named"), [(1, 1), (5, 5), (10, 10), (10_000, 10)])
def test_top_says_how_many_classes_are_named(client: httpx.Client, top: int, named: int) -> None:
    rows = client.post("/predict", params={"top": top}, content=digit()).json()["top"]
    assert len(rows) == named
    probabilities = [row["probability"] for row in rows]
    assert probabilities == sorted(probabilities, reverse=True)


def test_explain_shows_what_the_network_saw_and_where_it_looked(client: httpx.Client) -> None:
    picture = digit(7, 200)
    shown = client.post("/predict", params={"explain": "occlusion"}, content=picture).json()["explain"]
    model = load_model()
    framed = frame_file(picture, model.framing)
    kind, _, content = shown["seen"].partition(",")
    assert kind == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), framed[..., 0])
    wanted = occlusion(model, framed, model.predict_batch(framed[None])[0])
    assert np.allclose(shown["occlusion"], wanted, atol=1e-3)
    assert "occlusion" not in client.post("/predict?explain=input", content=picture).json()["explain"]
    assert "explain" not in client.post("/predict", content=picture).json()


@pytest.mark.parametrize("query", ["top=0", "top=-1", "top=three", "top=", "top=1.5", "top=\u0663", "explain=why"])
def test_a_wrong_value_is_refused_and_named(client: httpx.Client, query: str) -> None:
    problem(client.post(f"/predict?{query}", content=digit()), 400, query.partition("=")[0])


@pytest.mark.parametrize("query", ["top=%FF", "model=%00", "%FF=%FF", "&&&=", "top"])
def test_a_broken_query_gives_no_500(client: httpx.Client, query: str) -> None:
    assert client.post(f"/predict?{query}", content=digit()).status_code in (200, 400, 404)


def test_models_are_asked_by_name_and_the_first_answers_where_none_is_named(client: httpx.Client) -> None:
    labels = [client.post(f"/predict{query}", content=digit()).json()["label"] for query in ("", "?model=words")]
    assert labels == ["7", "seven"]
    assert client.get("/model?model=words").json()["class_names"][7] == "seven"
    for path in ("/predict?model=letters", "/predict?model="):
        problem(client.post(path, content=digit()), 404, "digits, words, whole")


def test_the_card_tells_of_the_model_but_not_where_its_file_lies(client: httpx.Client, server: RunningServer) -> None:
    card = client.get("/model").json()
    assert card["framing"] == load_model().framing.as_dict()
    assert "/models/" not in client.get("/model").text


def test_several_digits_in_one_picture_are_read_with_their_boxes(client: httpx.Client) -> None:
    page = Image.new("L", (420, 200), 255)
    for place, number in enumerate((7, 1)):
        page.paste(Image.open(io.BytesIO(digit(number, 160))), (20 + 200 * place, 20))
    answer = client.post("/segment", content=encoded(page)).json()
    assert answer["text"].replace(" ", "") == "71"
    assert [character["label"] for character in answer["characters"]] == ["7", "1"]
    assert answer["characters"][0]["box"]["left"] < answer["characters"][1]["box"]["left"]
    problem(client.post("/segment?model=whole", content=encoded(page)), 422, "whole pictures")
    problem(client.post("/segment", content=b"no picture"), 422)


def test_other_addresses_and_methods_are_problems_too(client: httpx.Client) -> None:
    problem(client.get("/nothing"), 404, "/docs")
    problem(client.get("/predict"), 405, "/docs")
    assert client.get("/predict").headers["allow"] == "POST"
    problem(client.delete("/model"), 405)


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nothing", 404, "nothing at this address"),
        ("/static/nothing.js", 404, "File not found"),
        ("/a/b%2Fc/", 404, "nothing at this address"),
        ("/api/runs/none", 404, "Run not found"),
        ("/predict", 405, "another method"),
        ("/model?model=none", 404, "digits, words, whole"),
    ],
)
def test_a_browser_gets_a_page_where_others_get_json(client: httpx.Client, path: str, status: int, said: str) -> None:
    answer = client.get(path, headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert said in answer.text
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["vary"] == "Accept"
    styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', answer.text)
    assert [client.get(urljoin(str(answer.url), style)).status_code for style in styles] == [200]
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.1"):
        problem(client.get(path, headers={"Accept": accept}), status, said)


def test_a_browser_is_told_that_an_address_needs_a_key() -> None:
    with in_process(api_key="secret") as address:
        answer = httpx.get(f"{address}/nothing", headers=BROWSER)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "A key is needed" in answer.text
    assert "<html" in answer.text


def test_clients_of_the_protocol_get_json_whatever_they_accept(client: httpx.Client) -> None:
    assert client.get("/v2/models/none", headers=BROWSER).json()["error"]


# ---- pictures that are none


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 that says so and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


BAD = {
    "nothing at all": (b"", 422),
    "zero bytes": (bytes(1000), 422),
    "a web page": (b"<!DOCTYPE html><html><body>404</body></html>", 422),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422),
    "a truncated JPEG": (encoded(noise(90, 70), "JPEG")[:800], 422),
    "a truncated PNG": (encoded(noise(90, 70))[:800], 422),
    "a broken chunk": (digit().replace(b"IDAT", b"IDAX"), 422),
    "a decompression bomb": (bomb(), 413),
    "EPS, which would start Ghostscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 422),
    "a folder's leftovers": (b"\x00\x00\x00\x01Bud1\x00\x00\x10\x00", 422),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused(client: httpx.Client, name: str) -> None:
    content, status = BAD[name]
    problem(client.post("/predict", content=content), status)
    problem(client.post("/segment", content=content), status)
    answers = client.post("/predict", files=forms(digit(1), content)).json()
    assert answers[0]["label"] == "1"
    assert answers[1]["error"]


@pytest.mark.parametrize(
    "content",
    [
        encoded(Image.new("L", (1, 1), 200)),
        encoded(Image.new("L", (20000, 1), 255)),
        encoded(Image.new("P", (30, 30)), "GIF", save_all=True, append_images=[Image.new("P", (30, 30), 3)]),
        encoded(Image.fromarray(np.full((40, 30), 40_000, np.uint16))),
        encoded(Image.new("CMYK", (50, 40), (0, 200, 10, 30)), "JPEG"),
    ],
)
def test_odd_pictures_are_answered(client: httpx.Client, content: bytes) -> None:
    assert client.post("/predict", content=content).json()["label"] in load_model().class_names


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"nothing of the kind"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nhello\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nhi\r\n--x--\r\n',
        ),
        ("multipart/form-data; boundary=\xff", b"--\xff\r\n"),
        ("multipart/mixed; boundary=x", b"--x--"),
    ],
)
def test_a_broken_form_is_refused(client: httpx.Client, kind: str, body: bytes) -> None:
    headers = {b"content-type": kind.encode("latin-1")}
    problem(client.post("/predict", content=body, headers=headers), 400, "form")
