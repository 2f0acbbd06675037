"""Webhooks as their senders send them: a raw body, its signature in the headers."""

from __future__ import annotations

from mlops_ext.errors import InvalidValue
from mlops_ext.server.handlers import BaseHandler, MethodNotAllowed, TooLarge
from mlops_ext.server.identity import actor_of

__all__ = ["WebhookHandler"]

_LARGEST = 1 << 20
_HEADERS = {"id": "webhook-id", "timestamp": "webhook-timestamp", "signature": "webhook-signature"}


class WebhookHandler(BaseHandler):
    """`POST mlops-ext/webhooks/NAME`: to users of the server only, as everything is, and signed on top."""

    def allowed(self) -> tuple[str, ...]:
        """Give the methods of this path."""
        return ("POST",)

    async def operate(self) -> None:
        """Take one message."""
        if self.request.method != "POST":
            raise MethodNotAllowed(f"{self.request.method} on a webhook", hint="POST it")
        await self.authorize("write", "webhooks.receive")
        if len(self.request.body) > _LARGEST:
            raise TooLarge(f"a body of {len(self.request.body)} bytes", hint=f"At most {_LARGEST}")
        name = self.path_args[0]
        given = {field: self.request.headers.get(header, "") for field, header in _HEADERS.items()}
        self.set_status(201)
        self.finish(await self.host.run(self._receive, name, given))

    def _receive(self, name: str, given: dict[str, str]) -> str:
        from pydantic import ValidationError

        from mlops_ext.runs.schedules import webhooks
        from mlops_ext.runs.schedules.types import ReceiveWebhook

        try:
            body = self.request.body.decode()
            request = ReceiveWebhook(webhook=name, body=body, **given)
        except (ValidationError, UnicodeDecodeError) as error:
            raise InvalidValue(
                "the message lacks a header, or is no UTF-8", hint=f"Send {', '.join(_HEADERS.values())}"
            ) from error
        ws = self.host.workspace.acting_as(actor_of(self))
        return ws.call(webhooks.receive, request).model_dump_json()
