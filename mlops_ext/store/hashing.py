"""One hash per workspace, named by its prefix: `b3:` (BLAKE3-256) or `sha256:`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Protocol

import rfc8785
from blake3 import blake3

from mlops_ext.errors import InvalidValue
from mlops_ext.store.schema import finite_json

__all__ = ["ALGORITHMS", "Hasher", "algorithm_of", "canonical_json", "digest_of", "hash_maker", "new_hash"]

ALGORITHMS = ("b3", "sha256")
_EXACT = 2**53


class Hasher(Protocol):
    """What hashlib's and blake3's objects have in common."""

    def update(self, data: bytes | memoryview, /) -> Any: ...  # noqa: D102

    def digest(self) -> bytes: ...  # noqa: D102

    def hexdigest(self) -> str: ...  # noqa: D102


def new_hash(algorithm: str) -> Hasher:
    """Start a hash.

    Raises
    ------
    InvalidValue
        `algorithm` is neither b3 nor sha256.
    """
    return hash_maker(algorithm)()


def hash_maker(algorithm: str) -> Callable[..., Hasher]:
    """Give what starts a hash, with its first bytes when it is given some: for many short ones.

    Raises
    ------
    InvalidValue
        `algorithm` is neither b3 nor sha256.
    """
    if algorithm == "b3":
        return blake3
    if algorithm == "sha256":
        return hashlib.sha256
    raise InvalidValue(f"unknown hash {algorithm!r}", hint=f"Choose one of {', '.join(ALGORITHMS)}")


def digest_of(data: bytes, algorithm: str) -> str:
    """Hash bytes to `prefix:hex`."""
    hasher = new_hash(algorithm)
    hasher.update(data)
    return f"{algorithm}:{hasher.hexdigest()}"


def algorithm_of(digest: str) -> str:
    """Give the prefix of a digest."""
    return digest.partition(":")[0]


def canonical_json(value: Any) -> bytes:
    """Write JSON in the one form that is hashed (RFC 8785); integers beyond 2^53 and non-finite numbers as strings."""
    return rfc8785.dumps(_exact(finite_json(value)))


def _exact(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _EXACT:
        return str(value)
    if isinstance(value, dict):
        return {key: _exact(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return value
