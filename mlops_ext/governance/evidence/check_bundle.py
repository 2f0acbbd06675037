"""Checks an evidence bundle, offline and alone: python check_bundle.py BUNDLE.zip [PUBLIC_KEY as base64].

Needs Python alone, 3.9 or later. Checks that every file is the one that was signed, that each event stands unchanged in
the trail of the signed head, and that the record is what the trail registered. Exit code 0: it holds; 1: it does not.
"""

import base64
import hashlib
import json
import struct
import sys
import zipfile

P, ORDER_OF_BASE = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
MIX = [[i, 4 + (i + j) % 4, 8 + (i + 2 * j) % 4, 12 + (i + 3 * j) % 4] for j in (0, 1) for i in range(4)]


def compress(cv: list[int], words: list[int], counter: int, length: int, flags: int) -> list[int]:
    v, m = [*cv, *IV[:4], counter & 0xFFFFFFFF, counter >> 32, length, flags], words
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(MIX):
            for word, x, y in ((m[2 * i], 16, 12), (m[2 * i + 1], 8, 7)):
                v[a] = v[a] + v[b] + word & 0xFFFFFFFF
                v[d] = ((v[d] ^ v[a]) >> x | (v[d] ^ v[a]) << 32 - x) & 0xFFFFFFFF
                v[c] = v[c] + v[d] & 0xFFFFFFFF
                v[b] = ((v[b] ^ v[c]) >> y | (v[b] ^ v[c]) << 32 - y) & 0xFFFFFFFF
        m = [m[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def blake3(data: bytes, counter: int = 0, root: int = 8) -> list[int]:
    if len(data) > 1024:
        cut = 1024 << ((len(data) - 1) // 1024).bit_length() - 1
        halves = blake3(data[:cut], counter, 0) + blake3(data[cut:], counter + cut // 1024, 0)
        return compress(IV, halves, 0, 64, 4 | root)
    cv, blocks = IV, [data[i : i + 64] for i in range(0, len(data), 64)] or [b""]
    for i, block in enumerate(blocks):
        flags = (i == 0) | ((2 | root) if i == len(blocks) - 1 else 0)
        cv = compress(cv, [*struct.unpack("<16I", block.ljust(64, b"\0"))], counter, len(block), flags)
    return cv


def digest(data: bytes, like: str) -> str:
    b3, sha256 = like.startswith("b3:"), hashlib.sha256(data).hexdigest()
    return "b3:" + struct.pack("<8I", *blake3(data)).hex() if b3 else "sha256:" + sha256


def root_from(leaf: bytes, index: int, size: int, path: list[str]) -> str:
    at, last, found = index, size - 1, hashlib.sha256(b"\0" + leaf).digest()
    for each in (bytes.fromhex(text.partition(":")[2]) for text in path):
        need(last > 0, "a proof is too long")
        right = at & 1 or at == last
        found = hashlib.sha256(b"\1" + (each + found if right else found + each)).digest()
        while right and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    need(last == 0, "a proof is too short")
    return "sha256:" + found.hex()


def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
    across, along = p[0] * q[1] + p[1] * q[0], p[1] * q[1] + p[0] * q[0]
    e = D * p[0] * q[0] * p[1] * q[1]
    return across * pow(1 + e, -1, P) % P, along * pow(1 - e, -1, P) % P


def times(n: int, p: tuple[int, int]) -> tuple[int, int]:
    half = times(n >> 1, add(p, p)) if n else (0, 1)
    return add(half, p) if n & 1 else half


def point(data: bytes) -> tuple[int, int]:
    odd, y = divmod(int.from_bytes(data, "little"), 1 << 255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    need(len(data) == 32 and y < P and (x * x - square) % P == 0 and (x or not odd), "a key or signature is no point")
    return x if x % 2 == odd else P - x, y


def verify(key: bytes, signature: bytes, message: bytes) -> None:
    """Ed25519 as RFC 8032 has it."""
    s, base = int.from_bytes(signature[32:], "little"), point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    need(len(signature) == 64 and s < ORDER_OF_BASE, "a signature is malformed")
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER_OF_BASE
    same = times(s, base) == add(point(signature[:32]), times(hashed, point(key)))
    need(same, "a signature does not fit")


def need(holds: object, problem: str) -> None:
    if not holds:
        raise ValueError(problem)


def check(path: str, trusted: str = "") -> str:
    with zipfile.ZipFile(path) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
        need(len(files) == len(bundle.namelist()), "a name stands twice")
    manifest, sealed = json.loads(files["manifest.json"]), json.loads(files.pop("manifest.sig"))
    key = base64.b64decode(trusted or sealed["public_key"])
    verify(key, base64.b64decode(sealed["signature"]), files.pop("manifest.json"))
    need(set(files) == set(manifest["files"]), "files were added or left out")
    for name, content in files.items():
        need(hashlib.sha256(content).hexdigest() == manifest["files"][name], f"{name} was changed")
    head, record, told = json.loads(files["head.json"]), json.loads(files["record.json"]), set()
    payload = {"format": 2, **{name: head[name] for name in ("workspace", "seq", "hash", "time", "root")}}
    verify(key, base64.b64decode(head["signature"]), CANONICAL.encode(payload).encode())
    for each in (events := [json.loads(line) for line in files["events.jsonl"].decode().split("\n") if line]):
        event, hashed, data, at = each["event"], each["hash"], each["data"], f"event {each['event']['seq']}"
        need(digest(CANONICAL.encode(event).encode(), hashed) == hashed, f"{at} was changed")
        need(data is None or digest(data.encode(), hashed) == event["data_digest"], f"the data of {at} was changed")
        proven = root_from(hashed.encode(), event["seq"] - 1, head["seq"], each["path"])
        need(proven == head["root"], f"{at} is not in the trail of the head")
        registered = event["action"] == "model.registered" and event["subject"] in manifest["subjects"]
        told |= {json.loads(data or "{}").get("digest")} if registered else set()
    need(record["digest"] in told, "no event tells of the record's digest")
    return f"{manifest['model']} holds: {len(files)} files, {len(events)} events, head {head['seq']} of {head['time']}"


if __name__ == "__main__":
    try:
        print(check(*sys.argv[1:3]), "" if sys.argv[2:] else "(give a key that you trust to check who signed)")
    except (LookupError, ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
        sys.exit(f"it does not hold: {error}")
