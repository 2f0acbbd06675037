"""A look inside: what changed in the data, where a model does worst, and why one flight came out as it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlops_ext as mlops
from mlops_ext.demo.teller import Outcome
from mlops_ext.monitoring.performance.windows import joined_window

if TYPE_CHECKING:
    from mlops_ext.demo.story import Month, Story

__all__ = ["look_inside"]


def look_inside(story: Story) -> Outcome:
    """Compare the data of two trainings, search the last month's worst slices, and explain its surest late flight."""
    month = max((each for each in story.months.values() if each.performance), key=_number)
    diff = mlops.diff("flights@1", "flights", workspace=story.ws)
    worst = mlops.worst_slices(month.served_by, month.window, workspace=story.ws)
    _, joined = joined_window(story.ws, month.served_by, month.window)
    surest = str(joined.frame["id"].iloc[int(joined.frame["probability"].argmax())])
    why = mlops.why(f"prediction:{surest}", workspace=story.ws)
    most = why.contributions[0]
    slices = [each.slice for each in worst.slices]
    told = f"does worst where {slices[0]}" if slices else "does nowhere clearly worse"
    return Outcome(
        f"{diff.before} → {diff.after}: {diff.added:,} rows added, {diff.removed:,} removed; {month.served_by} {told} "
        f"in {month.window}; {surest} is late with {why.probability:.0%}, most of it for {most.feature} = {most.value}",
        {
            "rows_added": diff.added,
            "rows_removed": diff.removed,
            "worst_slices": slices,
            "prediction": surest,
            "reasons": why.reasons,
        },
    )


def _number(month: Month) -> int:
    return month.number
