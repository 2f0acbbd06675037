"""The Merkle tree equals RFC 6962's test vectors and a brute-force tree written from its text."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.governance.merkle import (
    consistency_ranges,
    fits_consistency,
    fits_inclusion,
    inclusion_ranges,
    leaf_hash,
    root_of,
    roots,
)

pytestmark = pytest.mark.fast

# The inputs and roots that the reference implementations of Certificate Transparency test with.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes.fromhex(each)) for each in INPUTS]


def mth(entries: list[bytes]) -> bytes:
    """The definition, word by word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    cut = 1
    while cut * 2 < len(entries):
        cut *= 2
    return hashlib.sha256(b"\1" + mth(entries[:cut]) + mth(entries[cut:])).digest()


def entries(count: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(count)]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(each) for each in entries(count)]


def test_the_published_roots_come_out():
    assert [root_of(LEAVES[:size]).hex() for size in range(1, 9)] == ROOTS
    assert root_of([]).hex() == hashlib.sha256(b"").hexdigest()


def test_published_inclusion_proofs_come_out():
    """Paths of RFC 6962's vectors: the first leaf of one, and the sixth of eight."""
    assert inclusion_ranges(0, 1) == []
    assert [each.hex() for each in roots(LEAVES, inclusion_ranges(5, 8))] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_published_consistency_proofs_come_out():
    assert [each.hex() for each in roots(LEAVES, consistency_ranges(6, 8))] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.integers(0, 300))
def test_the_growing_tree_has_the_root_of_the_definition(size):
    assert root_of(leaves(size)) == mth(entries(size))


@given(st.data())
def test_every_leaf_is_proven_and_nothing_else(data):
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    root, path = mth(entries(size)), roots(leaves(size), inclusion_ranges(index, size))
    leaf = leaf_hash(entries(size)[index])
    assert fits_inclusion(leaf, index, size, path, root)
    assert len(path) <= (size - 1).bit_length()
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index)) if size > 1 else -1
    assert not fits_inclusion(leaf, other, size, path, root)
    assert not fits_inclusion(leaf_hash(b"forged"), index, size, path, root)
    assert not fits_inclusion(leaf, index, size, [*path, root], root)
    assert not path or not fits_inclusion(leaf, index, size, path[:-1], root)
    for place in range(len(path)):
        assert not fits_inclusion(leaf, index, size, [*path[:place], root, *path[place + 1 :]], root)


@given(st.data())
def test_a_tree_that_grew_is_consistent_and_one_that_was_rewritten_is_not(data):
    second = data.draw(st.integers(1, 130))
    first = data.draw(st.integers(0, second))
    older, newer = mth(entries(first)), mth(entries(second))
    path = roots(leaves(second), consistency_ranges(first, second))
    assert fits_consistency(first, second, path, older, newer)
    if first == 0:
        return
    rewritten = [leaf_hash(b"forged"), *leaves(second)[1:]]
    forged = roots(rewritten, consistency_ranges(first, second))
    assert not fits_consistency(first, second, forged, older, root_of(rewritten))
    assert not fits_consistency(first, second, path, older, root_of(rewritten))
    assert not fits_consistency(first, second, [*path, newer], older, newer)
    if path:
        assert not fits_consistency(first, second, path[:-1], older, newer)
