"""The OpenAPI document is valid and true, nothing that it allows brings a 500, and the page of it stands alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from imagewise import __version__
from imagewise.server.limits import Limits
from imagewise.server.openapi.document import openapi
from imagewise.server.pages.files import CSP
from running_servers import RunningServer, application_in_process

DOCUMENT = openapi(__version__, Limits())
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    operation.label: operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok))
    if "{version}" not in operation.path  # the same as without it
}
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def test_the_document_is_valid_and_served(client: httpx.Client) -> None:
    SCHEMA.validate()
    assert client.get("/openapi.json").json() == DOCUMENT


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_brings_a_500_and_every_answer_is_as_the_document_says(
    label: str, mode: GenerationMode, server: RunningServer, session: requests.Session
) -> None:
    operation = OPERATIONS[label]
    others = [parameter for parameter in operation.iter_parameters() if parameter.location != "path"]
    if mode is GenerationMode.NEGATIVE and not others and not operation.body:
        pytest.skip("takes nothing that could be wrong: any text may be a model's name")
    names = {"model": "digits"} if "{model}" in operation.path and operation.body else None
    asked = 0

    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=names))
    @settings(
        max_examples=10 if operation.body else 5, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    def ask(case: Case[Any]) -> None:
        nonlocal asked
        case.call_and_validate(base_url=server.address, session=session, checks=CHECKS)
        asked += 1

    ask()
    assert asked


PAGES = {"/", "/static/{name}", "/docs", "/openapi.json", "/models", "/models/{model}", "/runs", "/runs/{run}"}


def test_every_address_that_answers_is_a_page_or_in_the_document() -> None:
    with application_in_process() as (_, application):
        routes = [(route.path, method) for route in application.routes for method in route.methods or ()]
    found = {(path, method.lower()) for path, method in routes if path not in PAGES and method != "HEAD"}
    documented = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert found == documented
    assert {path for path, _ in routes} >= PAGES


def test_every_documented_address_answers(client: httpx.Client) -> None:
    for path in DOCUMENT["paths"]:
        method = next(iter(DOCUMENT["paths"][path]))
        real = path.replace("{model}", "digits").replace("{run}", "first")
        real = real.replace("{version}", client.get("/v2/models/digits").json()["versions"][0])
        assert client.request(method, real).status_code in (200, 400, 422)


def test_the_page_of_the_api_names_every_address_and_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == CSP
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            assert "{version}" in path or f"<code>{method.upper()} {path}</code>" in page.text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    for address in loaded:
        assert ":" not in address
        assert client.get(f"/{address.removeprefix('./')}").status_code == 200
    assert not re.search(r"<script|<style|style=", page.text)
