"""The least that a Jupyter server does for any request: authenticate it, and answer with what never changes."""

from __future__ import annotations

from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web

__all__ = ["PATH", "Constant"]

PATH = "/constant"


class Constant(APIHandler):
    """Answers anything with an empty object."""

    @web.authenticated
    async def get(self) -> None:
        await self.finish("{}")

    post = put = get


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: Any) -> None:
    app.web_app.add_handlers(".*", [(PATH, Constant)])
