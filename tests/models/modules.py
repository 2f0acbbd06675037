"""PyTorch modules in a place that any process can import them from."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Net(nn.Module):
    """Keeps what its constructor took."""

    def __init__(self, hidden: int = 8, dropout: float = 0.1, labels: tuple[str, ...] = ("a", "b")) -> None:
        super().__init__()
        self.hidden = hidden
        self.dropout = dropout
        self.labels = labels
        self.body = nn.Sequential(nn.Linear(3, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, len(labels)))
        self.norm = nn.BatchNorm1d(len(labels))

    def forward(self, x: Any) -> Any:
        return self.norm(self.body(x))


class Tied(nn.Module):
    """Two layers share one weight."""

    def __init__(self, size: int = 4) -> None:
        super().__init__()
        self.size = size
        self.one = nn.Linear(size, size, bias=False)
        self.other = nn.Linear(size, size, bias=False)
        self.other.weight = self.one.weight

    def forward(self, x: Any) -> Any:
        return self.other(self.one(x))


class Wrapping(nn.Module):
    """Takes another module."""

    def __init__(self, inner: nn.Module, scale: float = 1.0) -> None:
        super().__init__()
        self.inner = inner
        self.scale = scale

    def forward(self, x: Any) -> Any:
        return self.inner(x) * self.scale


class Forgetful(nn.Module):
    """Keeps nothing of what it took."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(3, width)

    def forward(self, x: Any) -> Any:
        return self.layer(x)


class Deceptive(nn.Module):
    """Has an argument whose value only its arithmetic shows."""

    def __init__(self, size: int = 3, power: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.squared = power**2
        self.layer = nn.Linear(size, 1)

    def forward(self, x: Any) -> Any:
        return self.layer(x) ** self.squared


class TwoInputs(nn.Module):
    """Takes two tensors by name and gives two."""

    def forward(self, left: Any, right: Any) -> Any:
        return left + right, torch.cat([left, right], dim=1)
