"""The words of the command line that are known before anything is imported."""

from __future__ import annotations

__all__ = ["EDGE", "TOPICS"]

TOPICS: dict[str, dict[str, str]] = {
    "Workspace": {
        "init": "Make a workspace here.",
        "status": "Where the workspace lies and how much it holds.",
        "config": "The settings in force and where each came from.",
        "doctor": "Check the installation, the store and the kernels.",
        "upgrade": "Bring the store to this release.",
        "backup": "Write catalog and blobs into one file.",
        "restore": "Lay a backup out as a workspace.",
        "gc": "Delete blobs that nothing names.",
        "demo": "Tell the whole story on real flights.",
    },
    "Data": {
        "datasets": "Versions of data.",
        "snapshot": "Keep a file as the next version of a dataset.",
        "features": "Views that are joined as of a moment.",
    },
    "Models": {
        "models": "The registry.",
        "alias": "Free pointers to versions.",
        "tag": "Set tags of a model or a version.",
        "untag": "Take a tag away.",
        "check": "Ask an environment's gates about a version.",
        "promote": "Let an environment serve a version.",
        "promotions": "What was asked for, and how far it is.",
        "approve": "Say yes to a promotion that waits.",
        "reject": "Say no to a promotion that waits.",
        "reviews": "What broken glass owes.",
        "review": "Review a promotion that went past its gates.",
        "why": "Why an environment serves what it serves.",
        "rollback": "Let an environment serve what it served before.",
        "policy": "Environments and the gates that guard them.",
        "lineage": "What a thing was made of, and what was made of it.",
    },
    "Runs": {
        "run": "Run a notebook with parameters.",
        "rerun": "Run the notebook of a version again.",
        "runs": "Tracked runs.",
        "experiments": "Groups of runs.",
        "jobs": "Queued runs.",
        "worker": "Run the queued jobs.",
        "tracking": "Write into runs.",
    },
    "Monitoring": {
        "drift": "Compare a current window with a reference.",
        "monitoring": "Log batches, save reports.",
        "reports": "What was found, window by window.",
        "alerts": "What somebody should act on.",
    },
    "Trail": {"audit": "The tamper-evident trail."},
    "Shell": {"completion": "Complete words in your shell."},
}
"""The first words, in the order of the help."""

EDGE: dict[tuple[str, ...], str] = {
    ("init",): "store:init",
    ("config", "show"): "store:config_show",
    ("doctor",): "doctor:doctor",
    ("upgrade",): "store:upgrade",
    ("backup",): "store:backup",
    ("restore",): "store:restore",
    ("gc",): "store:gc",
    ("demo",): "demo:demo",
    ("snapshot",): "data:snapshot",
    ("tag",): "models:tag",
    ("policy", "apply"): "policy:apply",
    ("policy", "check"): "policy:check",
    ("promote",): "promotion:promote",
    ("check",): "promotion:check",
    ("audit", "head"): "audit:head",
    ("audit", "verify"): "audit:verify",
    ("audit", "key"): "audit:key",
    ("audit", "anchor"): "audit:anchor",
    ("audit", "export"): "audit:export",
    ("run",): "runs:run",
    ("rerun",): "rerun:rerun",
    ("runs", "attach"): "runs:attach",
    ("worker",): "runs:worker",
    ("drift",): "monitoring:drift",
    ("completion",): "completion:completion",
}
"""Commands written by hand, as module below `mlops_ext.cli.commands` and name."""
