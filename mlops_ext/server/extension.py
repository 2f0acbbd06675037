"""The jupyter-server extension: routes, the event schema, and nothing heavy until the first request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Int

from mlops_ext.server.host import Host
from mlops_ext.server.live import SCHEMA_ID, Watch
from mlops_ext.server.scheduler import Scheduler

__all__ = ["MlopsExtension"]

EVENTS = Path(__file__).parent / "events"


class MlopsExtension(ExtensionApp):
    """MLOps for JupyterLab: REST below `mlops-ext/api/v1` and notices of every change."""

    name = "mlops_ext"
    extension_url = "/mlops-ext"

    threads = Int(8, config=True, min=1, help="How many operations run at once, each in a thread.")
    max_body = Int(16 * 2**20, config=True, min=1024, help="Largest JSON body of a request, bytes.")
    max_blob = Int(8 * 2**30, config=True, min=1024, help="Largest blob that may be put over HTTP, bytes.")

    def initialize_settings(self) -> None:
        """Make what the handlers share, tell kernels the workspace, and register the schema of our notices."""
        server: Any = self.serverapp
        self.host = Host(Path(server.root_dir), self.threads, self.max_body, self.max_blob)
        self.host.hand_over()
        self.watch = Watch(self.host, self._emit)
        self.scheduler = Scheduler(self.host)
        self.host.on_use = self._begin
        self.settings["mlops_ext_host"] = self.host
        server.event_logger.register_event_schema(EVENTS / "change.v1.yaml")

    def initialize_handlers(self) -> None:
        """Add the routes: what leads nowhere is answered by us as well, in our shape and to users only."""
        from mlops_ext.server.blobs import BlobHandler
        from mlops_ext.server.handlers import LostHandler, OperationHandler
        from mlops_ext.server.openapi import OpenApiHandler
        from mlops_ext.server.webhooks import WebhookHandler

        self.handlers.extend(
            [
                (r"/mlops-ext/api/openapi\.json", OpenApiHandler),
                (r"/mlops-ext/api/v1/blobs(?:/.*)?", BlobHandler),
                (r"/mlops-ext/api/v1/.+", OperationHandler),
                (r"/mlops-ext/webhooks/([^/]+)", WebhookHandler),
                (r"/mlops-ext(?:/.*)?", LostHandler),
            ]
        )

    async def stop_extension(self) -> None:
        """Stop looking and let go of the threads."""
        self.watch.stop()
        self.scheduler.stop()
        self.host.close()

    async def _start_jupyter_server_extension(self, _app: Any) -> None:
        """Once the server's loop runs, look at what is due where there is a workspace."""
        self.scheduler.start_where_used()

    def _begin(self) -> None:
        self.watch.start()
        self.scheduler.start()

    def _emit(self, notice: dict[str, Any]) -> None:
        server: Any = self.serverapp
        server.event_logger.emit(schema_id=SCHEMA_ID, data=notice)
