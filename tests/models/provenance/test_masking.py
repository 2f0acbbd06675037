"""Masking: keys, tokens and passwords go, whatever stands around them; ordinary code, digests and images stay."""

from __future__ import annotations

import base64
import hashlib
import json
import string
import uuid
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

import mlops_ext
from mlops_ext.models.provenance.masking import mask_diff, mask_notebook, mask_text, masked, said

pytestmark = [pytest.mark.sqlite, pytest.mark.fast]

LETTERS = string.ascii_letters + string.digits
HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")


def drawn(alphabet: str, size: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=size, max_size=most or size)


TOKENS = st.one_of(
    st.builds("AKIA{}".format, drawn(string.ascii_uppercase + string.digits, 16)),
    st.builds("ghp_{}".format, drawn(LETTERS, 36)),
    st.builds("github_pat_{}".format, drawn(LETTERS + "_", 82)),
    st.builds("glpat-{}".format, drawn(LETTERS + "_-", 20)),
    st.builds("xoxb-{}-{}".format, drawn(string.digits, 11), drawn(LETTERS, 24)),
    st.builds("AIza{}".format, drawn(LETTERS + "_-", 35)),
    st.builds("sk-proj-{}A7".format, drawn(LETTERS, 46)),
    st.builds("hf_{}".format, drawn(LETTERS, 34)),
    st.builds("{}.{}.{}".format, st.just(HEADER), drawn(LETTERS, 24), drawn(LETTERS + "_-", 43)),
)
PASSWORDS = drawn(string.ascii_letters + string.digits + "!@%^&*+=~,.:;#?/", 8, 40).filter(
    lambda text: any(each.isdigit() for each in text) and any(each.isalpha() for each in text)
)
PLACES = (
    "token = '{}'", 'login("{}")', "# use {} here", "https://host/x?key={}&y=1", "print('''{}''')", "header: {}\n",
    '{{"auth": "{}"}}', "+TOKEN={}\n",
)  # fmt: skip
ASSIGNED = (
    'password = "{}"', "db(password='{}', port=1)", '{{"client_secret": "{}"}}', 'os.environ["API_KEY"] = "{}"',
    'os.getenv("DB_PASSWORD", "{}")', 'api_key: str = "{}"', "if password == '{}':", '+    "password = \\"{}\\"\\n",',
    "accessToken = r'{}'",
)  # fmt: skip


@given(TOKENS, st.sampled_from(PLACES))
def test_no_token_survives_wherever_it_stands(token: str, place: str) -> None:
    text = place.format(token)
    result = mask_text(text)
    assert token not in result.text
    assert token[-12:] not in result.text
    assert result.found
    assert not any(token in str(each) for each in result.found)


@given(PASSWORDS, st.sampled_from(ASSIGNED))
def test_no_literal_that_a_secrets_name_is_given_survives(password: str, place: str) -> None:
    result = mask_text("a = 1\n" + place.format(password))
    assert password not in result.text
    assert [each.where for each in result.found] == ["line 2"]


@given(st.text(), TOKENS)
def test_masking_twice_changes_nothing_more(around: str, token: str) -> None:
    once = masked(f"{around}\npassword = 'hunter22' {token}")
    assert masked(once) == once


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("password = 'hunter two'", "password"),
        ("postgresql://me:s3cretpass@host/db", "url-credentials"),
        ("redis://:s3cret@host", "url-credentials"),
        ("Authorization: Bearer abcdefghijkl.mnop", "bearer-token"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "private-key"),
        ('"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n"', "private-key"),
        ("+MLFLOW_TOKEN=abcdefgh1234", "token"),
        ("password: hunter22", "password"),
        ("%env WANDB_API_KEY abcd1234", "api-key"),
        ('wandb.login(key="' + "0123456789abcdef" * 2 + '")', "api-key"),
        ("!mysql --password hunter22", "password"),
        ('auth = "q9Zk2LmP0xVt7RsB4nWy"', "high-entropy"),
        ("curl https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnop", "slack-webhook"),
    ],
)
def test_the_mask_tells_its_kind(text: str, kind: str) -> None:
    result = mask_text(text)
    assert {each.kind for each in result.found} == {kind}
    assert f"[masked: {kind}]" in result.text
    assert result.text.count("\n") == text.count("\n"), "lines keep their numbers"


@pytest.mark.parametrize(
    "plain",
    [
        "tokens = tokenizer(text)",
        "x = password_field",
        "n_tokens: int = 5",
        "secret = config.vault2.read()",
        "tokenizer(pad_token='[PAD]', eos_token='</s>', unk_token=\"<unk>\")",
        "{'token': 'running', 'pos': 'VERB'}",
        "CountVectorizer(token_pattern=r'(?u)\\b\\w+\\b')",
        "f'postgresql://{user}:{password}@{host}/db'",
        "password = os.environ['DB_PASSWORD']",
        "token = f'{token}'",
        "getpass('Password: ')",
        "password = '***'",
        "columns = ['key', 'token', 'count']",
        "frame.groupby(key='WeatherAtOrigin')",
        f"key = '{hashlib.sha256(b'x').hexdigest()}'",
        f"key = 'b3:{hashlib.sha256(b'x').hexdigest()}'",
        f"id = '{uuid.UUID(int=2**127)}'",
        "https://host/path:8080/@scope",
    ],
)
def test_ordinary_code_stays(plain: str) -> None:
    assert masked(plain) == plain


def test_our_own_code_and_an_estimators_html_stay() -> None:
    package = Path(mlops_ext.__file__).parent
    spared = ("masking.py", "secrecy.py", "secret_forms.py")
    for path in package.rglob("*.py"):
        if path.name not in spared:
            text = path.read_text(encoding="utf-8")
            assert masked(text) == text, path
    html = LogisticRegression()._repr_html_()
    assert masked(html) == html


@given(st.binary(min_size=3000, max_size=6000))
def test_base64_and_digests_stay(data: bytes) -> None:
    text = f"{base64.b64encode(data).decode()} {hashlib.sha256(data).hexdigest()} key={hashlib.md5(data).hexdigest()}"
    assert masked(text) == text


def notebook(*cells: tuple[str, list[dict[str, object]]]) -> str:
    made = [
        {"id": f"c{n}", "cell_type": "code", "metadata": {}, "source": source, "outputs": outputs, "execution_count": 1}
        for n, (source, outputs) in enumerate(cells)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


def test_a_notebook_loses_its_secrets_in_sources_outputs_and_tracebacks() -> None:
    image = base64.b64encode(b"\x89PNG" + b"password='hunter-22'" * 9).decode()
    coloured = "\x1b[32mpassword\x1b[39m \x1b[34m=\x1b[39m \x1b[33m'hunter-22'\x1b[39m"
    outputs: list[dict[str, object]] = [
        {"output_type": "stream", "name": "stdout", "text": "connected with hunter-22\n"},
        {"output_type": "error", "ename": "E", "evalue": "x", "traceback": [coloured]},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": image, "text/plain": "7"}},
    ]
    text = notebook(("a = 1", []), ("import db\npassword = 'hunter-22'", outputs))
    result = mask_notebook(text)
    assert "hunter-22" not in result.text
    made = nbformat.reads(result.text, as_version=4)
    nbformat.validate(made)
    assert made.cells[1].source == "import db\npassword = '[masked: password]'"
    assert made.cells[1].outputs[2].data["image/png"] == image
    assert [each.where for each in result.found] == ["cell 2, line 2", "output of cell 2"]
    assert said(result.found).startswith("masked 2 secrets before storing: password in cell 2, line 2; ")


def test_a_notebook_without_secrets_stays_byte_for_byte() -> None:
    text = notebook(("a = 1", [{"output_type": "stream", "name": "stdout", "text": ["x\n", "y"]}]))
    assert mask_notebook(text) == (text, ())


def test_a_diff_tells_the_file() -> None:
    diff = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -0,0 +1 @@\n+api_key = 'abcdef123456'\n"
    result = mask_diff(diff)
    assert [each.where for each in result.found] == ["line 5 of the diff (x.py)"]
    assert "+api_key = '[masked: api-key]'" in result.text
