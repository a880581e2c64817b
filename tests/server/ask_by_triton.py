"""Asks the server at argv[1] to recognise argv[2] by Triton's client, in all its ways; prints what it got, as JSON.

A process of its own: the client stands on gevent.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.http as triton


def main(address: str, file: str) -> dict[str, Any]:
    client = triton.InferenceServerClient(address)
    metadata = client.get_model_metadata("digits")
    said: dict[str, Any] = {
        "ready": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("digits")],
        "extensions": client.get_server_metadata()["extensions"],
        "labels": [],
    }
    files = triton.InferInput("pictures", [2], "BYTES")
    files.set_data_from_numpy(np.array([Path(file).read_bytes()] * 2, dtype=np.object_))
    some = [triton.InferRequestedOutput("label"), triton.InferRequestedOutput("logits", binary_data=False)]
    for outputs in (None, some):
        result = client.infer("digits", [files], outputs=outputs, request_id="42")
        assert result.get_response()["id"] == "42"
        assert (result.as_numpy("probabilities") is None) == (outputs is not None)
        said["labels"].append([label.decode() for label in result.as_numpy("label")])
        said["logits"] = result.as_numpy("logits").tolist()
    blank = np.zeros((3, 28, 28, 1), np.uint8)
    for binary in (True, False):
        framed = triton.InferInput("pictures", list(blank.shape), "UINT8")
        framed.set_data_from_numpy(blank, binary_data=binary)
        result = client.infer("digits", [framed], model_version=metadata["versions"][0])
        said["shape"] = result.as_numpy("probabilities").shape
    try:
        client.infer("letters", [files])
    except triton.InferenceServerException as error:
        said["error"] = error.message()
    client.close()
    return said


print(json.dumps(main(*sys.argv[1:])))
