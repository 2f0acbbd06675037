"""Operations over HTTP: who may, what is read, what is answered."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mlops_ext.operations import Operation
from mlops_ext.rooms import OPERATIONS
from mlops_ext.workspace import Workspace
from tests.server.conftest import Ask


def is_error(answer: Any, status: int, code: str) -> bool:
    return answer.code == status and set(answer.json) == {"code", "message", "hint"} and answer.json["code"] == code


def test_an_empty_workspace_reads_as_empty_and_nothing_is_made(ask: Ask, folder: Path) -> None:
    answer = ask("GET", "models")
    assert (answer.code, answer.json) == (200, {"items": [], "next": ""})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not (folder / ".mlops").exists()


def test_a_write_records_the_token_user_as_anonymous(ask: Ask) -> None:
    run = ask("POST", "runs", {"experiment": "e", "name": "Größe 1/2"})
    assert run.code == 200, run.body
    assert run.json["created_by"] == "anonymous"
    event = ask("GET", "events").json["items"][0]
    assert (event["action"], event["actor"], event["auth"]) == ("run.started", "anonymous", "jupyter_token")


def test_numbers_that_are_not_finite_travel_as_strings_both_ways(ask: Ask) -> None:
    run = ask("POST", "runs", {}).json["id"]
    points = [{"key": "a", "value": "NaN"}, {"key": "b", "value": "-Infinity"}, {"key": "c", "value": 1}]
    logged = ask("POST", f"runs/{run}/measurements", {"metrics": points})
    assert logged.code == 200, logged.body
    assert ask("GET", f"runs/{run}").json["metrics"] == {"a": "NaN", "b": "-Infinity", "c": 1.0}
    page = ask("GET", f"runs/{run}/metrics/b").json
    assert float(page["items"][0]["value"]) == -math.inf
    bare = ask("POST", f"runs/{run}/measurements", b'{"metrics": [{"key": "a", "value": NaN}]}')
    assert bare.code == 415
    json_header = {"headers": {"Content-Type": "application/json"}}
    bare = ask("POST", f"runs/{run}/measurements", b'{"metrics": [{"key": "a", "value": NaN}]}', **json_header)
    assert is_error(bare, 400, "invalid_value")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[1]", 400), (b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b'{"experiment": "\\u0000"}', 400),
        (b'{"experiment": "\\ud800"}', 400), (b'{"experiment": 3}', 400), (b'{"experimnt": "x"}', 400),
        (b'{"lease_seconds": "5"}', 400), (b'{"lease_seconds": -1}', 400), (b"", 200), (b"{}", 200),
    ],
)  # fmt: skip
def test_bad_bodies_are_refused_in_our_shape(ask: Ask, body: bytes, status: int) -> None:
    answer = ask("POST", "runs", body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.code == status, answer.body
    assert status == 200 or is_error(answer, 400, "invalid_value")


def test_a_misspelt_field_gets_the_nearest_and_a_wrong_one_its_value(ask: Ask) -> None:
    misspelt = ask("POST", "runs", {"experimnt": "x"}).json
    assert "experimnt" in misspelt["message"]
    assert "'experiment'" in misspelt["hint"]
    wrong = ask("GET", "models?limit=5000").json
    assert "limit" in wrong["message"]
    assert "5000" in wrong["message"]


def test_query_marks_of_the_page_are_no_fields(ask: Ask) -> None:
    assert ask("GET", "models?limit=3&1763852552000").code == 200
    assert ask("GET", "models?no_track_activity=1").code == 200
    assert is_error(ask("GET", "models?limit=3&limit=4"), 400, "invalid_value")
    assert is_error(ask("GET", "models?other=1"), 400, "invalid_value")
    assert is_error(ask("POST", "runs?name=x", {}), 400, "invalid_value")


def test_path_fields_are_decoded_exactly_once(ask: Ask) -> None:
    for name, said in (("a%2Fb", "a/b"), ("a%252Fb", "a%2Fb"), ("..%2F..%2Fetc", "../../etc"), ("ü", "ü")):
        answer = ask("GET", f"models/{quote(name, safe='%')}")
        assert answer.code in (400, 404)
        assert said in answer.json["message"]
    assert is_error(ask("GET", "models/%FF"), 400, "invalid_value")
    assert is_error(ask("GET", "models/%00"), 400, "invalid_value")


def test_lost_paths_and_methods_are_answered_in_our_shape(ask: Ask) -> None:
    assert is_error(ask("GET", "nowhere"), 404, "not_found")
    assert is_error(ask("GET", "", root="mlops-ext/"), 404, "not_found")
    for method in ("DELETE", "PATCH", "TRACE"):
        answer = ask(method, "models")
        assert is_error(answer, 405, "method_not_allowed"), answer.body
        assert answer.headers["Allow"] == "GET, HEAD"
    assert ask("DELETE", "openapi.json", root="mlops-ext/api/").headers["Allow"] == "GET, HEAD"
    assert ask("HEAD", "models").code == 200


def test_a_body_beyond_the_limit_is_refused(ask: Ask, jp_serverapp: Any) -> None:
    host = jp_serverapp.web_app.settings["mlops_ext_host"]
    host.max_body = 2000
    assert is_error(ask("POST", "runs", {"name": "x" * 3000}), 413, "too_large")


def test_what_breaks_inside_tells_the_log_only(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def burst(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Workspace, "call", burst)
    answer = ask("GET", "models")
    assert is_error(answer, 500, "internal_error")
    assert b"secret detail" not in answer.body
    assert "secret detail" in caplog.text


def test_reading_is_no_activity_and_writing_is(ask: Ask, jp_serverapp: Any) -> None:
    settings = jp_serverapp.web_app.settings
    settings.pop("api_last_activity", None)
    ask("GET", "models")
    assert "api_last_activity" not in settings
    ask("POST", "runs", {})
    assert "api_last_activity" in settings


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
def test_every_operation_is_documented_and_closed_to_strangers(
    operation: Operation[Any, Any], ask: Ask, folder: Path
) -> None:
    assert operation.summary.endswith(".")
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", operation.name)
    path = re.sub(r"{\w+}", "x", operation.path).strip("/")
    body = None if operation.method == "GET" else {}
    for headers in ({"Authorization": "token wrong"}, {"Authorization": ""}):
        answer = ask(operation.method, path, body, headers=headers, follow_redirects=False)
        assert is_error(answer, 403, "forbidden"), answer.body
    assert not (folder / ".mlops").exists()


def test_every_route_below_ours_is_closed_to_strangers(ask: Ask, jp_serverapp: Any) -> None:
    rules = [rule for group in jp_serverapp.web_app.default_router.rules for rule in group.target.rules]
    ours = [rule for rule in rules if "mlops-ext" in rule.matcher.regex.pattern]
    assert len(ours) >= 4
    for rule in ours:
        assert rule.target.__module__.startswith("mlops_ext.server"), rule.matcher.regex.pattern
        assert not any(
            getattr(getattr(rule.target, method), "__allow_unauthenticated", False)
            for method in ("get", "head", "post", "put", "patch", "delete")
        )
    for path in ("", "x", "api/openapi.json", "api/v1/blobs", "api/v1/blobs/b3:00", "api/v1/models", "../mlops-ext"):
        for method in ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"):
            body = b"x" if method in ("PUT", "POST", "PATCH") else None
            answer = ask(method, path, body, root="mlops-ext/", headers={"Authorization": "token wrong"})
            assert answer.code == 403, (method, path)


def test_the_authorizer_is_asked_for_each_operation(
    ask: Ask, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def no(_handler: Any, _user: Any, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return False

    monkeypatch.setattr(jp_serverapp.authorizer, "is_authorized", no, raising=False)
    assert is_error(ask("GET", "models"), 403, "forbidden")
    assert is_error(ask("POST", "runs", {}), 403, "forbidden")
    assert is_error(ask("PUT", "blobs", b"x"), 403, "forbidden")
    assert asked == [("read", "models.list"), ("write", "tracking.start"), ("write", "blobs")]


def test_a_cookie_user_needs_the_xsrf_token(ask: Ask, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = jp_serverapp.identity_provider
    monkeypatch.setattr(provider, "get_user", provider.generate_anonymous_user)
    assert ask("GET", "models", headers={"Authorization": ""}).code == 200
    refused = ask("POST", "runs", {}, headers={"Authorization": ""})
    assert is_error(refused, 403, "forbidden")
