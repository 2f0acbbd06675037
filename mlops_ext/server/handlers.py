"""The handlers: every operation through one, and answers of one shape, whatever went wrong."""

from __future__ import annotations

import json
from asyncio import Future
from http.client import responses
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler
from tornado import web

from mlops_ext.errors import Forbidden, InvalidValue, MlopsError, NotFound
from mlops_ext.server.identity import actor_of

if TYPE_CHECKING:
    from mlops_ext.server.host import Host
    from mlops_ext.server.routes import Router
    from mlops_ext.workspace import Workspace

__all__ = ["BaseHandler", "LostHandler", "MethodNotAllowed", "OperationHandler", "TooLarge", "below"]

ROOT = "/mlops-ext/api/v1/"


class MethodNotAllowed(MlopsError):
    """The path exists, the method on it does not."""

    code: ClassVar[str] = "method_not_allowed"
    http_status: ClassVar[int] = 405


class UnsupportedMediaType(MlopsError):
    """A write that says its body is no JSON."""

    code: ClassVar[str] = "unsupported_media_type"
    http_status: ClassVar[int] = 415


class TooLarge(MlopsError):
    """A body beyond the server's limit."""

    code: ClassVar[str] = "too_large"
    http_status: ClassVar[int] = 413


_CODES = {400: "bad_request", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_HINTS = {
    400: "Send what api/openapi.json describes",
    403: "Send the server's token in the header: Authorization: token …; pages also send X-XSRFToken",
    404: "See mlops-ext/api/openapi.json for what there is",
    405: "The header Allow names the methods",
}


class BaseHandler(APIHandler):
    """Authentication, authorisation, headers and errors of every route of ours."""

    SUPPORTED_METHODS = (*APIHandler.SUPPORTED_METHODS, "TRACE")
    auth_resource = "mlops"

    @property
    def host(self) -> Host:
        """What the handlers of this server share."""
        host: Host = self.settings["mlops_ext_host"]
        return host

    def set_default_headers(self) -> None:
        """Forbid caches and guessing."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> None:
        """Hash no answer: what nobody may store nobody can compare."""

    def allowed(self) -> tuple[str, ...]:
        """Give the methods of this path."""
        return ()

    async def authorize(self, action: str, resource: str) -> None:
        """Ask the server's Authorizer.

        Raises
        ------
        Forbidden
            It said no.
        """
        allowed = await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, resource))
        if not allowed:
            raise Forbidden(
                f"{self.current_user.username} may not {action} {resource}", hint="Ask who runs this server"
            )

    def workspace(self) -> Workspace:
        """Give the workspace as the request's user sees it; call it in a thread."""
        return self.host.workspace.acting_as(actor_of(self))

    def finish(self, *args: Any, **kwargs: Any) -> Future[None]:
        """Count only writes as activity, so that an open panel does not keep an idle server alive."""
        self._track_activity = self.request.method not in ("GET", "HEAD")
        finished: Future[None] = super().finish(*args, **kwargs)
        return finished

    async def operate(self) -> None:
        """Answer the request; each route says how."""
        raise NotFound(f"nothing at {self.request.path!r}", hint=_HINTS[404])

    @web.authenticated
    async def get(self, *_: str) -> None:
        """Answer, or refuse in our shape; all methods come through here."""
        self.host.on_use()
        try:
            await self.operate()
        except MlopsError as error:
            self.refuse(error)

    head = put = post = patch = delete = trace = get

    def refuse(self, error: MlopsError) -> None:
        """Answer with an error's status and its one shape."""
        self.log.debug("%s %s: %s", self.request.method, self.request.path, error)
        if error.http_status >= 500:
            self.log.warning("%s %s: %s", self.request.method, self.request.path, error)
        if isinstance(error, MethodNotAllowed):
            self.set_header("Allow", ", ".join(self.allowed()))
        self.set_status(error.http_status)
        self.finish(json.dumps(error.to_dict()))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Put what the server itself refuses into our shape; what broke inside is told to the log only."""
        error = kwargs.get("exc_info", (None, None))[1]
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.allowed()))
        message = (isinstance(error, web.HTTPError) and error.log_message) or responses.get(status_code, "unknown")
        body = {"code": _CODES.get(status_code, "http_error"), "message": message, "hint": _HINTS.get(status_code, "")}
        if status_code >= 500:
            hint = "The server's log has the details"
            body = {"code": "internal_error", "message": "something broke inside the server", "hint": hint}
        self.finish(json.dumps(body))

    def refuse_method(self) -> MethodNotAllowed:
        """Make the error that names the methods there are."""
        methods = ", ".join(self.allowed())
        return MethodNotAllowed(f"{self.request.path} has no {self.request.method}", hint=f"It has {methods}")


class LostHandler(BaseHandler):
    """Everything below `mlops-ext` that is nothing."""


class OperationHandler(BaseHandler):
    """Every operation below `api/v1`."""

    def allowed(self) -> tuple[str, ...]:
        """Give the methods of this path."""
        return self.host.router.allowed(below(self))

    async def operate(self) -> None:
        """Find the operation, ask for permission, read its request, run it in a thread, write its result."""
        made = vars(self.host)
        # Made in a thread, once.
        router: Router = made["router"] if "router" in made else await self.host.run(lambda: self.host.router)
        match = router.match(str(self.request.method), below(self))
        if match is None:
            raise self.refuse_method()
        operation, fields = match
        await self.authorize(operation.action, operation.name)
        if operation.method != "GET":
            self._check_body()
        query, body = self.request.query_arguments, self.request.body
        status, answer = await self.host.run(self._work, operation, fields, query, body)
        self.set_status(status)
        if operation.name == "jobs.submit":
            self.host.workers.ensure()
        await self.finish(answer)

    def _work(
        self, operation: Any, fields: dict[str, str], query: dict[str, list[bytes]], body: bytes
    ) -> tuple[int, str]:
        """Do all in the thread that the loop need not wait for, the writing of the answer too."""
        from mlops_ext.server.routes import from_body, from_query, unmarked

        if operation.method == "GET":
            request = from_query(operation, fields, query)
        elif unmarked(query):
            raise InvalidValue(f"a query on a {operation.method}: {sorted(unmarked(query))}", hint="Use the body")
        else:
            request = from_body(operation, fields, body)
        result = self.workspace().call(operation, request)
        # Work that goes on after the answer is told as accepted, not as done.
        return getattr(result, "http_status", 200), result.model_dump_json(by_alias=True)

    def _check_body(self) -> None:
        if len(self.request.body) > self.host.max_body:
            raise TooLarge(
                f"a body of {len(self.request.body)} bytes", hint=f"At most {self.host.max_body}; put blobs instead"
            )
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise UnsupportedMediaType(f"Content-Type is {kind!r}", hint="Send application/json")


def below(handler: BaseHandler) -> str:
    """Give the path below `api/v1/` as it was sent, still percent-encoded."""
    return str(handler.request.path.partition(ROOT)[2])
