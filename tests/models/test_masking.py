"""Masking: keys, tokens and passwords go, ordinary code stays."""

from __future__ import annotations

import pytest

from mlops_ext.models.masking import masked


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key AKIAIOSFODNN7EXAMPLE here", "AKIAIOSFODNN7EXAMPLE"),
        ("clone with ghp_" + "a1" * 18, "a1a1a1"),
        ("password = 'hunter two'", "hunter"),
        ('"client_secret": "abcd-efgh-1234"', "abcd-efgh"),
        ("postgresql://me:s3cretpass@host/db", "s3cretpass"),
        ("Authorization: Bearer abcdefghijkl.mnop", "abcdefghijkl"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "MIIE"),
        ("+MLFLOW_TOKEN=abcdefgh1234", "abcdefgh1234"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in masked(text)
    assert "[masked]" in masked(text)


@pytest.mark.parametrize(
    "plain", ["tokens = tokenizer(text)", "x = password_field", "n_tokens: int = 5", "secret = config.vault2.read()"]
)
def test_ordinary_code_stays(plain: str) -> None:
    assert masked(plain) == plain
