"""What cells print, on its way to whoever follows a job: masked, by whole lines, in bounded memory."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops_ext.runs.notebooks.secrecy import beginning_of, mask_text

__all__ = ["LARGEST", "Live", "Piece"]

LARGEST = 16 * 1024
"""Characters of one piece; of what comes between two looks, one is kept at the beginning and one at the end."""
_QUIET_SECONDS = 1.0
_BLOCK = re.compile(r"-----BEGIN [A-Z ]+-----(?![\s\S]*-----END )")


@dataclass(frozen=True)
class Piece:
    """Some text that a cell put out: stdout, stderr, result or error."""

    cell: int
    stream: str
    text: str


class Live:
    """Gathers what cells put out, for a thread that passes it on now and then.

    Parameters
    ----------
    secrets : mapping
        Values that are masked.
    """

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        self._secrets = dict(secrets)
        self._lock = threading.Lock()
        self._parts: deque[_Part] = deque()

    def add(self, cell: int, stream: str, text: str) -> None:
        """Take some text; it follows on what came from the same stream of the same cell."""
        with self._lock:
            if not self._parts or self._parts[-1].key != (cell, stream):
                self._parts.append(_Part((cell, stream)))
                self._forget()
            self._parts[-1].add(text)

    def drain(self, last: bool = False) -> list[Piece]:
        """Give what has come since the last time.

        A line that goes on is held back for a moment, and the beginning of a secret until it is whole, since
        neither could be masked; `last` holds nothing back.
        """
        with self._lock:
            parts, self._parts = list(self._parts), deque()
            if parts and not last:
                rest = parts[-1].hold_back(self._secrets)
                if rest is not None:
                    self._parts.append(rest)
        return [piece for part in parts for piece in part.pieces(self._secrets)]

    def _forget(self) -> None:
        """Let the oldest go when cells put out more, piece by piece, than anybody could follow."""
        while len(self._parts) > _MOST_PARTS:
            self._parts.popleft()


_MOST_PARTS = 64


class _Part:
    """Consecutive text of one stream: its head, its tail, and how much is left out between."""

    def __init__(self, key: tuple[int, str]) -> None:
        self.key = key
        self.head = ""
        self.tail: deque[str] = deque()
        self.tail_size = self.left_out = 0
        self.touched = time.monotonic()

    def add(self, text: str) -> None:
        self.touched = time.monotonic()
        room = LARGEST - len(self.head)
        if room > 0:
            self.head, text = self.head + text[:room], text[room:]
        if text:
            self.tail.append(text)
            self.tail_size += len(text)
        while self.tail_size - (len(self.tail[0]) if self.tail else 0) >= LARGEST:
            oldest = self.tail.popleft()
            self.tail_size -= len(oldest)
            self.left_out += len(oldest)

    def hold_back(self, secrets: Mapping[str, Any]) -> _Part | None:
        """Cut off what cannot be judged yet and give it as the part that goes on."""
        text = self._end()
        cut = len(text)
        if time.monotonic() - self.touched < _QUIET_SECONDS:
            cut = max(text.rfind("\n"), text.rfind("\r")) + 1
        block = _BLOCK.search(text)
        if block is not None and len(text) - block.start() < LARGEST // 2:
            cut = min(cut, block.start())
        cut = min(cut, len(text) - beginning_of(text, secrets))
        if cut >= len(text) or len(text) - cut > LARGEST // 2:
            return None
        rest = _Part(self.key)
        rest.head, rest.touched = text[cut:], self.touched
        self._set_end(text[:cut])
        return rest

    def pieces(self, secrets: Mapping[str, Any]) -> list[Piece]:
        texts = [self.head]
        tail = "".join(self.tail)
        over = max(0, len(tail) - LARGEST)
        if self.left_out + over:
            texts = [self.head + f"\n… {self.left_out + over} characters are left out here …\n", tail[over:]]
        elif tail:
            texts = [self.head + tail]
        return [Piece(*self.key, masked) for text in texts if (masked := mask_text(text, secrets))]

    def _end(self) -> str:
        return "".join(self.tail) if self.left_out else self.head + "".join(self.tail)

    def _set_end(self, text: str) -> None:
        if self.left_out:
            self.tail = deque([text])
        else:
            self.head, self.tail = text[:LARGEST], deque([text[LARGEST:]])
        self.tail_size = len(self.tail[0])
