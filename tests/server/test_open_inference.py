"""The Open Inference Protocol as KServe's and Triton's clients speak it, byte for byte."""

from __future__ import annotations

import base64
import io
import json
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise import __version__
from imagewise.framing.framing import frame_file
from imagewise.model.model import load_model
from imagewise.server.limits import Limits
from running_servers import RunningServer, digit, encoded, in_process, noise

FILES = [digit(7), digit(1, 200), encoded(noise(60, 40), "JPEG")]
FRAMED = np.stack([frame_file(content, load_model().framing) for content in FILES])
INFER = "/v2/models/digits/infer"


def described(**changes: Any) -> dict[str, Any]:
    """The input tensor of FRAMED as JSON; None leaves a field out."""
    tensor = {"name": "pictures", "datatype": "UINT8", "shape": list(FRAMED.shape), "data": FRAMED.ravel().tolist()}
    return {name: value for name, value in (tensor | changes).items() if value is not None}


def of_files(data: list[Any], **changes: Any) -> dict[str, Any]:
    return described(datatype="BYTES", shape=[len(data)], data=data) | changes


def as_binary(request: dict[str, Any], binary: bytes) -> dict[str, Any]:
    """What a client's request consists of: httpx's arguments."""
    header = json.dumps(request).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(header))}
    return {"content": header + binary, "headers": headers}


def lengths_and(files: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(content)) + content for content in files)


def tensors(answer: httpx.Response) -> dict[str, NDArray[Any]]:
    """As a client takes an answer apart, binary data too."""
    assert answer.status_code == 200, answer.text
    length = int(answer.headers.get("inference-header-content-length", len(answer.content)))
    said, rest = json.loads(answer.content[:length]), io.BytesIO(answer.content[length:])
    found = {}
    for tensor in said["outputs"]:
        size = tensor.get("parameters", {}).get("binary_data_size")
        if size is None:
            values = np.array(tensor["data"])
        elif tensor["datatype"] == "FP32":
            values = np.frombuffer(rest.read(size), "<f4")
        else:
            part, texts = io.BytesIO(rest.read(size)), []
            while prefix := part.read(4):
                texts.append(part.read(struct.unpack("<I", prefix)[0]).decode())
            values = np.array(texts)
        found[tensor["name"]] = values.reshape(tensor["shape"])
    assert rest.read() == b""
    return found


def holds_what_the_library_says(found: dict[str, NDArray[Any]]) -> None:
    probabilities, logits = load_model().outputs(FRAMED)
    assert list(found) == ["probabilities", "logits", "label"]
    assert np.allclose(found["probabilities"], probabilities, atol=1e-5)
    assert np.allclose(found["logits"], logits, atol=1e-3)
    assert found["label"].tolist() == [load_model().class_names[i] for i in probabilities.argmax(axis=1)]


def refused(answer: httpx.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    for word in words:
        assert word in answer.json()["error"]


def test_the_server_says_what_it_is_and_that_it_is_ready(client: httpx.Client) -> None:
    assert client.get("/v2").json() == {
        "name": "imagewise",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/words/ready").json() == {"name": "words", "ready": True}


def test_a_model_says_what_it_takes_and_gives(client: httpx.Client) -> None:
    said = client.get("/v2/models/digits").json()
    assert said["inputs"] == [{"name": "pictures", "datatype": "UINT8", "shape": [-1, 28, 28, 1]}]
    outputs = {tensor["name"]: (tensor["datatype"], tensor["shape"]) for tensor in said["outputs"]}
    assert outputs == {"probabilities": ("FP32", [-1, 10]), "logits": ("FP32", [-1, 10]), "label": ("BYTES", [-1])}
    (version,) = said["versions"]
    assert client.get(f"/v2/models/digits/versions/{version}").json() == said
    assert client.get(f"/v2/models/digits/versions/{version}/ready").json()["ready"]
    for path in ("/v2/models/letters", "/v2/models/letters/ready", "/v2/models/digits/versions/1", "/v2/nothing"):
        refused(client.get(path), 404)
    refused(client.get(INFER), 405)


def test_framed_pictures_as_json_flat_or_nested(client: httpx.Client) -> None:
    for data in (FRAMED.ravel().tolist(), FRAMED.tolist(), FRAMED[..., 0].tolist()):
        answer = client.post(INFER, json={"id": "42", "inputs": [described(data=data)]})
        holds_what_the_library_says(tensors(answer))
        said = answer.json()
        assert (said["model_name"], said["id"]) == ("digits", "42")
        assert len(said["model_version"]) == 12
    without_channels = described(shape=list(FRAMED.shape[:3]))
    assert "id" not in client.post(INFER, json={"inputs": [without_channels]}).json()


def test_picture_files_as_base64_are_framed_here(client: httpx.Client) -> None:
    texts = [base64.b64encode(content).decode() for content in FILES]
    holds_what_the_library_says(tensors(client.post(INFER, json={"inputs": [of_files(texts)]})))
    column = of_files([[text] for text in texts], shape=[len(texts), 1])
    holds_what_the_library_says(tensors(client.post(INFER, json={"inputs": [column]})))


def test_framed_pictures_as_binary_data_and_binary_answers(client: httpx.Client) -> None:
    binary = FRAMED.tobytes()
    tensor = described(data=None, parameters={"binary_data_size": len(binary)})
    request = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    answer = client.post(INFER, **as_binary(request, binary))
    assert answer.headers["content-type"] == "application/octet-stream"
    holds_what_the_library_says(tensors(answer))


def test_picture_files_as_binary_data(client: httpx.Client) -> None:
    binary = lengths_and(FILES)
    size = {"binary_data_size": len(binary)}
    tensor = described(datatype="BYTES", shape=[len(FILES)], data=None, parameters=size)
    answer = client.post(INFER, **as_binary({"inputs": [tensor]}, binary))
    assert "inference-header-content-length" not in answer.headers
    holds_what_the_library_says(tensors(answer))


def test_only_what_is_asked_for_is_answered_each_as_asked(client: httpx.Client) -> None:
    outputs = [
        {"name": "label", "parameters": {"binary_data": True}},
        {"name": "probabilities", "parameters": {"binary_data": False}},
    ]
    request = {"inputs": [described()], "outputs": outputs, "parameters": {"binary_data_output": True}}
    answer = client.post(INFER, json=request)
    found = tensors(answer)
    assert list(found) == ["label", "probabilities"]
    assert found["label"].tolist()[:2] == ["7", "1"]
    length = int(answer.headers["inference-header-content-length"])
    assert ["data" in tensor for tensor in json.loads(answer.content[:length])["outputs"]] == [False, True]


def test_models_go_by_name(client: httpx.Client) -> None:
    assert tensors(client.post("/v2/models/words/infer", json={"inputs": [described()]}))["label"][0] == "seven"


ONE = base64.b64encode(FILES[0]).decode()
WRONG: dict[str, tuple[Any, int, str]] = {
    "no object": ([], 400, "JSON object"),
    "no inputs": ({}, 400, "inputs"),
    "two inputs": ({"inputs": [described(), described()]}, 400, "inputs"),
    "an input that is no object": ({"inputs": [3]}, 400, "inputs"),
    "another input": ({"inputs": [described(name="images")]}, 400, "pictures"),
    "another datatype": ({"inputs": [described(datatype="FP32")]}, 400, "UINT8"),
    "no shape": ({"inputs": [described(shape=None)]}, 400, "shape"),
    "a shape of text": ({"inputs": [described(shape=["3", 28, 28, 1])]}, 400, "shape"),
    "a shape of truths": ({"inputs": [described(shape=[True, 28, 28, 1])]}, 400, "shape"),
    "a negative shape": ({"inputs": [described(shape=[-1, 28, 28, 1])]}, 400, "shape"),
    "no picture": ({"inputs": [described(shape=[0, 28, 28, 1], data=[])]}, 400, "shape"),
    "another size": ({"inputs": [described(shape=[3, 32, 32, 1])]}, 400, "28, 28, 1"),
    "channels first": ({"inputs": [described(shape=[3, 1, 28, 28])]}, 400, "28, 28, 1"),
    "an endless shape": ({"inputs": [described(shape=[3, 28, 28, 10**400])]}, 400, "19 digits"),
    "an endless number of pictures": ({"inputs": [described(shape=[10**18, 28, 28, 1])]}, 413, "64"),
    "a shape of many sides": ({"inputs": [described(shape=[3, *[28] * 1000])]}, 400, "1001 sides"),
    "too few numbers": ({"inputs": [described(data=[1, 2, 3])]}, 400, "3 numbers"),
    "no data": ({"inputs": [described(data=None)]}, 400, "data"),
    "ragged data": ({"inputs": [described(data=[[1, 2], [3]])]}, 400, "whole numbers"),
    "fractions": ({"inputs": [described(data=[0.5] * FRAMED.size)]}, 400, "whole numbers"),
    "numbers above 255": ({"inputs": [described(data=[256] * FRAMED.size)]}, 400, "0 to 255"),
    "numbers below 0": ({"inputs": [described(data=[-1] * FRAMED.size)]}, 400, "0 to 255"),
    "vast numbers": ({"inputs": [described(data=[10**400] * FRAMED.size)]}, 400, "19 digits"),
    "large numbers": ({"inputs": [described(data=[10**18] * FRAMED.size)]}, 400, "0 to 255"),
    "truths": ({"inputs": [described(data=[True] * FRAMED.size)]}, 400, "whole numbers"),
    "no base64": ({"inputs": [of_files(["no base64!"])]}, 400, "base64"),
    "not ASCII": ({"inputs": [of_files(["\u00e9\u0301"])]}, 400, "base64"),
    "files of numbers": ({"inputs": [of_files([3])]}, 400, "base64"),
    "fewer files than said": ({"inputs": [of_files([ONE], shape=[2])]}, 400, "1 files"),
    "files in an endless shape": ({"inputs": [of_files([ONE], shape=[1, *[10**18] * 5])]}, 400, "[N]"),
    "a table of files": ({"inputs": [of_files([ONE], shape=[1, 2])]}, 400, "[N]"),
    "a file that is no picture": ({"inputs": [of_files([ONE, "AAAA"])]}, 422, "pictures[1]"),
    "too many pictures": ({"inputs": [of_files([ONE] * 65)]}, 413, "64"),
    "an id that is no text": ({"id": 42, "inputs": [described()]}, 400, "id"),
    "an id that no answer can hold": ({"id": "\ud800", "inputs": [described()]}, 400, "id"),
    "an endless id": ({"id": "a" * 257, "inputs": [described()]}, 400, "id"),
    "parameters that are no object": ({"parameters": [], "inputs": [described()]}, 400, "parameters"),
    "another output": ({"inputs": [described()], "outputs": [{"name": "boxes"}]}, 400, "logits"),
    "outputs that are no list": ({"inputs": [described()], "outputs": "label"}, 400, "outputs"),
    "an output that is no object": ({"inputs": [described()], "outputs": ["label"]}, 400, "outputs"),
    "classification": (
        {"inputs": [described()], "outputs": [{"name": "logits", "parameters": {"classification": 3}}]},
        400,
        "classification",
    ),
    "binary data that is not there": (
        {"inputs": [described(data=None, parameters={"binary_data_size": 9})]},
        400,
        "binary_data_size",
    ),
    "a size that is a list": (
        {"inputs": [described(parameters={"binary_data_size": [9] * 10_000})]},
        400,
        "must be a whole number",
    ),
    "a size of text": ({"inputs": [described(parameters={"binary_data_size": "0"})]}, 400, "binary_data_size"),
    "shared memory": (
        {"inputs": [described()], "outputs": [{"name": "logits", "parameters": {"shared_memory_region": "x"}}]},
        400,
        "hared memory",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_hold_to_the_protocol_is_refused(client: httpx.Client, name: str) -> None:
    request, status, word = WRONG[name]
    refused(client.post(INFER, content=json.dumps(request)), status, word)


@pytest.mark.parametrize("kind", ["BYTES", "UINT8"])
def test_a_shape_of_numbers_with_thousands_of_digits_is_refused_without_being_repeated(
    client: httpx.Client, kind: str
) -> None:
    shape = ",".join(["9" * 4000] * 400)
    body = f'{{"inputs": [{{"name": "pictures", "datatype": "{kind}", "shape": [1, {shape}], "data": [""]}}]}}'
    answer = client.post(INFER, content=body)
    refused(answer, 400, "19 digits")
    assert len(answer.content) < 200


NO_JSON = {
    "nothing": b"",
    "the half": b"{",
    "not text": b"\xff",
    "lists in lists": b"[" * 100_000,
    "objects in objects": b'{"a":' * 100_000,
    "no number": b"NaN",
    "too many numbers": b"[1" + b",1" * (2**18 + 1) + b"]",
}


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_is_refused(client: httpx.Client, name: str) -> None:
    refused(client.post(INFER, content=NO_JSON[name]), 413 if name == "too many numbers" else 400)


@pytest.mark.parametrize("length", ["-1", "x", "99999", "3", "\u0663".encode(), "9" * 400])
def test_a_wrong_length_of_the_json_is_refused(client: httpx.Client, length: Any) -> None:
    headers = {"Inference-Header-Content-Length": length}
    refused(client.post(INFER, content=json.dumps({"inputs": []}), headers=headers), 400)


@pytest.mark.parametrize(
    "binary", [b"", b"\x01", b"\x00\x00\x00\x00", b"\xff\xff\xff\xffabc", lengths_and([b"a", b"b"])]
)
def test_broken_binary_files_are_refused(client: httpx.Client, binary: bytes) -> None:
    tensor = {"name": "pictures", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(binary)}}
    answer = client.post(INFER, **as_binary({"inputs": [tensor]}, binary))
    refused(answer, 422 if binary == b"\x00\x00\x00\x00" else 400)


def test_binary_data_of_another_size_is_refused(client: httpx.Client) -> None:
    tensor = described(data=None, parameters={"binary_data_size": 5})
    refused(client.post(INFER, **as_binary({"inputs": [tensor]}, b"12345")), 400, "5 bytes")
    refused(client.post(INFER, **as_binary({"inputs": [tensor]}, b"123456")), 400, "6 bytes")
    refused(client.post(INFER, **as_binary({"inputs": [described()]}, b"123456")), 400, "binary_data_size")


def test_compressed_bodies_are_refused(client: httpx.Client) -> None:
    refused(client.post(INFER, content=b"x", headers={"Content-Encoding": "gzip"}), 415, "Compressed")


def test_limits_and_the_key_hold_here_too() -> None:
    with in_process(Limits(body=1000), api_key="k") as address:
        refused(httpx.post(f"{address}{INFER}", json={"inputs": [described()]}), 401)
        assert httpx.get(f"{address}/v2/health/ready").json() == {"ready": True}
        refused(httpx.post(f"{address}{INFER}", json={"inputs": [described()]}, headers={"X-API-Key": "k"}), 413)


@pytest.mark.skipif(find_spec("tritonclient") is None, reason="needs tritonclient (make setup)")
def test_triton_s_own_client_is_content(server: RunningServer, tmp_path: Path) -> None:
    picture = tmp_path / "seven.png"
    picture.write_bytes(FILES[0])
    command = [sys.executable, str(Path(__file__).with_name("ask_by_triton.py")), server.address[7:], str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["ready"] == [True, True, True]
    assert said["extensions"] == ["binary_tensor_data"]
    assert said["labels"] == [["7", "7"]] * 2
    assert np.allclose(said["logits"], load_model().logits(FRAMED[[0, 0]]), atol=1e-3)
    assert said["shape"] == [3, 10]
    assert "Available: digits" in said["error"]
