"""Who asks: the server's current user as an actor on the trail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_ext.workspace import Actor

__all__ = ["actor_of"]

ANONYMOUS = "anonymous"
_RANDOM_NAME = re.compile(r"[0-9a-f]{32}")


def actor_of(handler: Any) -> Actor:
    """Give the actor of a request.

    A shared token names nobody: the server makes up a name per browser, which is recorded as
    `anonymous` instead of passing for a person.
    """
    from mlops_ext.workspace import Actor

    user, provider = handler.current_user, handler.identity_provider
    if any(each.__module__.partition(".")[0] == "jupyterhub" for each in type(provider).__mro__):
        return Actor(user.username, "jupyterhub")
    made_up = _RANDOM_NAME.fullmatch(user.username) and str(user.name).startswith("Anonymous")
    return Actor(ANONYMOUS if made_up else user.username, "jupyter_token")
