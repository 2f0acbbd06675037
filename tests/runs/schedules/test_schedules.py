"""Schedules as records, what falls due, and who starts it when several look at once."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, select, update

import mlops_ext as mlops
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.records import now
from mlops_ext.runs import service as jobs
from mlops_ext.runs.schedules import service
from mlops_ext.runs.schedules.firing import fire_due
from mlops_ext.runs.schedules.tables import schedule_firings, scheduler_beats, schedules
from mlops_ext.runs.schedules.tick import tick
from mlops_ext.runs.schedules.types import ListSchedules, NoRequest, ShowSchedule
from mlops_ext.runs.types import CancelJob, Job, ListJobs
from mlops_ext.store.schema import events
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

HOURLY = "0 * * * *"


@pytest.fixture
def ws(workspace: Workspace) -> Workspace:
    write_notebook(workspace.root / "train.ipynb", ("day: str = ''", "parameters"), "print(day)")
    return workspace


def backdate(ws: Workspace, name: str, hours: int) -> datetime:
    """Let a schedule stand as if it had been made so many whole hours ago and nobody had looked since."""
    moment = now().replace(minute=0, second=0, microsecond=0)
    values = {"since": moment - timedelta(hours=hours), "next_at": moment - timedelta(hours=hours - 1)}
    ws.catalog.measure(
        lambda change: change.execute(update(schedules).where(schedules.c.name == name).values(**values)) and None
    )
    return moment


def jobs_of(ws: Workspace) -> list[Job]:
    return list(ws.call(jobs.list_jobs, ListJobs()))


def actions(ws: Workspace) -> list[str]:
    with ws.catalog.read() as connection:
        return list(connection.execute(select(events.c.action).order_by(events.c.seq)).scalars())


def test_a_schedule_shows_its_next_five_fires_in_its_zone(ws: Workspace) -> None:
    made = mlops.schedule("nightly", "train.ipynb", cron="30 2 * * *", tz="Europe/Berlin", workspace=ws)
    assert len(made.next) == 5
    assert all(each[10:16] in ("T02:30", "T03:00") for each in made.next)
    assert made.warning.startswith("no scheduler has ever run")


def test_each_change_is_an_event_and_the_same_again_is_none(ws: Workspace) -> None:
    for _ in range(2):
        mlops.schedule("nightly", "train.ipynb", cron=HOURLY, workspace=ws)
    mlops.schedule("nightly", "train.ipynb", cron="@daily", workspace=ws)
    for operation in (service.pause, service.pause, service.resume, service.remove):
        ws.call(operation, ShowSchedule(schedule="nightly"))
    assert [each for each in actions(ws) if each.startswith("schedule.")] == [
        "schedule.added",
        "schedule.changed",
        "schedule.paused",
        "schedule.resumed",
        "schedule.removed",
    ]
    with pytest.raises(NotFound):
        ws.call(service.show, ShowSchedule(schedule="nightly"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"notebook": "tran.ipynb"}, "train.ipynb"),
        ({"parameters": {"dya": 1}}, "day"),
        ({"pipeline": "p"}, "names both"),
        ({"notebook": ""}, "names neither"),
    ],
)
def test_what_would_fail_at_night_is_refused_by_day(ws: Workspace, given: dict[str, Any], says: str) -> None:
    with pytest.raises((InvalidValue, NotFound)) as caught:
        mlops.schedule("nightly", **{"notebook": "train.ipynb", "cron": HOURLY, "workspace": ws, **given})
    assert says in str(caught.value)


def test_what_was_missed_is_run_once_with_its_instant(ws: Workspace) -> None:
    mlops.schedule("hourly", "train.ipynb", cron=HOURLY, parameters={"day": "{scheduled_for}"}, workspace=ws)
    moment = backdate(ws, "hourly", 5)
    [job] = fire_due(ws)
    assert fire_due(ws) == []
    [made] = jobs_of(ws)
    assert (made.id, made.trigger, made.parameters) == (job, "schedule:hourly", {"day": moment.isoformat()})
    shown = ws.call(service.show, ShowSchedule(schedule="hourly"))
    assert (shown.last, shown.last_job, shown.error) == (moment, job, "")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("misfire", "catch_up", "count"), [("skip", 10, 0), ("once", 10, 1), ("all", 3, 3), ("all", 10, 5)]
)
def test_the_misfire_policy_says_how_many_late_instants_run(
    ws: Workspace, misfire: Any, catch_up: int, count: int
) -> None:
    settings = {"cron": HOURLY, "misfire": misfire, "catch_up": catch_up, "grace_seconds": 0, "workspace": ws}
    mlops.schedule("hourly", "train.ipynb", **settings)
    moment = backdate(ws, "hourly", 5)
    assert len(fire_due(ws)) == count
    with ws.catalog.read() as connection:
        fired = sorted(connection.execute(select(schedule_firings.c.instant)).scalars())
    assert fired == [moment - timedelta(hours=number) for number in range(count)][::-1]
    assert fire_due(ws) == []


def test_an_instant_in_time_is_not_skipped(ws: Workspace) -> None:
    mlops.schedule("hourly", "train.ipynb", cron=HOURLY, misfire="skip", grace_seconds=7200, workspace=ws)
    backdate(ws, "hourly", 3)
    assert len(fire_due(ws)) == 1


def test_what_falls_due_while_paused_is_not_caught_up(ws: Workspace) -> None:
    mlops.schedule("hourly", "train.ipynb", cron=HOURLY, workspace=ws)
    ws.call(service.pause, ShowSchedule(schedule="hourly"))
    backdate(ws, "hourly", 3)
    assert fire_due(ws) == []
    ws.call(service.resume, ShowSchedule(schedule="hourly"))
    assert fire_due(ws) == []


def test_nothing_starts_while_the_run_before_is_under_way_where_that_is_asked(ws: Workspace) -> None:
    mlops.schedule("hourly", "train.ipynb", cron=HOURLY, overlap=False, workspace=ws)
    moment = backdate(ws, "hourly", 3)
    [job] = fire_due(ws, moment - timedelta(hours=1))
    assert fire_due(ws, moment) == []
    assert "is still queued" in ws.call(service.show, ShowSchedule(schedule="hourly")).error
    ws.call(jobs.cancel, CancelJob(job=job))
    assert len(fire_due(ws, moment + timedelta(hours=1))) == 1


def test_a_notebook_that_is_gone_is_told_and_not_tried_again(ws: Workspace) -> None:
    mlops.schedule("hourly", "train.ipynb", cron=HOURLY, workspace=ws)
    backdate(ws, "hourly", 3)
    (ws.root / "train.ipynb").unlink()
    assert fire_due(ws) == fire_due(ws) == []
    assert "no notebook" in ws.call(service.show, ShowSchedule(schedule="hourly")).error


CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from mlops_ext.workspace import Workspace
from mlops_ext.runs.schedules.firing import fire_due
ws = Workspace(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(len(fire_due(ws, datetime.fromisoformat(sys.argv[2]))))
"""


def test_two_servers_start_each_instant_once(ws: Workspace) -> None:
    mlops.schedule("hourly", "train.ipynb", cron=HOURLY, misfire="all", catch_up=20, workspace=ws)
    moment = backdate(ws, "hourly", 12)
    command = [sys.executable, "-c", CHILD, str(ws.root), moment.isoformat()]
    servers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for server in servers:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
    counts = []
    for server in servers:
        assert server.stdin is not None
        server.stdin.write("\n")
        server.stdin.flush()
    for server in servers:
        out, _ = server.communicate(timeout=60)
        counts.append(int(out))
    assert sum(counts) == 12
    assert len(jobs_of(ws)) == 12


TOML = """
[[schedules]]
name = "nightly"
notebook = "train.ipynb"
cron = "{cron}"
"""


def test_a_tick_brings_the_schedules_to_what_the_file_says(ws: Workspace) -> None:
    mlops.schedule("by hand", "train.ipynb", cron=HOURLY, workspace=ws)
    file = ws.root / "mlops.toml"
    file.write_text(TOML.format(cron="30 2 * * *"))
    assert tick(ws).changed == ("nightly",)
    assert tick(ws).changed == ()
    file.write_text(TOML.format(cron="30 3 * * *"))
    assert tick(ws).changed == ("nightly",)
    with pytest.raises(Conflict, match=r"mlops\.toml"):
        mlops.schedule("nightly", "train.ipynb", cron=HOURLY, workspace=ws)
    file.write_text("")
    assert tick(ws).changed == ("nightly",)
    assert [each.name for each in ws.call(service.list_, ListSchedules())] == ["by hand"]


@pytest.mark.parametrize(
    ("line", "says"),
    [("crn = 'x'", "line 3: unknown key 'crn'"), ("name = 'a'\ncron = 'x'\nmisfire = 'often'", "line 5: misfire")],
)
def test_a_wrong_entry_of_the_file_is_a_trouble_with_its_line(ws: Workspace, line: str, says: str) -> None:
    (ws.root / "mlops.toml").write_text(f"[[schedules]]\nnotebook = 'train.ipynb'\n{line}\n")
    ws.ensure()
    [trouble] = tick(ws).troubles
    assert says in trouble


def test_one_who_ticks_is_alive_and_one_who_ticked_long_ago_is_not(ws: Workspace) -> None:
    mlops.schedule("hourly", "train.ipynb", cron=HOURLY, workspace=ws)
    assert not ws.call(service.status, NoRequest()).alive
    tick(ws)
    found = ws.call(service.status, NoRequest())
    assert (found.alive, found.schedules, found.overdue) == (True, 1, 0)
    past = datetime(2026, 3, 1, 6, tzinfo=timezone.utc)
    ws.catalog.measure(lambda change: change.execute(update(scheduler_beats).values(at=past)) and None)
    assert ws.call(service.status, NoRequest()).message.startswith("no scheduler since 2026-03-01 06:00:00 UTC")
    assert "no scheduler since" in ws.call(service.show, ShowSchedule(schedule="hourly")).warning
    assert "no scheduler since" in ws.call(service.list_, ListSchedules())._repr_html_()


def test_a_tick_where_nothing_was_ever_made_makes_nothing(workspace: Workspace) -> None:
    assert tick(workspace).model_dump(exclude_defaults=True) == {}
    assert not workspace.exists()


@pytest.mark.sqlite
def test_the_command_adds_lists_and_ticks(ws: Workspace) -> None:
    def call(*words: str) -> Any:
        command = [sys.executable, "-m", "mlops_ext", *words, "--json"]
        ended = subprocess.run(command, cwd=ws.root, capture_output=True, text=True, check=False, timeout=60)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    made = call(
        "schedule", "add", "nightly", "train.ipynb", "--cron", "30 2 * * *", "--tz", "Asia/Tokyo", "-p", "day", "x"
    )
    assert made["next"][0].endswith("T02:30:00+09:00")
    backdate(ws, "nightly", 48)
    assert len(call("tick")["fired"]) == 1
    assert call("tick")["fired"] == []
    assert call("schedule", "status")["alive"] is True


def test_a_schedule_with_a_grid_fires_a_sweep_and_says_while_one_is_under_way(ws: Workspace) -> None:
    write_notebook(ws.root / "fit.ipynb", ("day: str = ''\nlr: float = 0.1", "parameters"), "print(day, lr)")
    settings: Any = {"grid": {"lr": [0.1, 0.01]}, "tags": ["gpu"], "memory": "1GiB", "cache": True, "overlap": False}
    made = mlops.schedule(
        "search", "fit.ipynb", cron=HOURLY, parameters={"day": "{day}"}, workspace=ws, secrets=["token"], **settings
    )
    assert (made.grid, made.tags, made.secrets) == ({"lr": [0.1, 0.01]}, ("gpu",), ("token",))
    backdate(ws, "search", 1)
    [sweep] = fire_due(ws)
    found = jobs_of(ws)
    assert sorted(each.parameters["lr"] for each in found) == [0.01, 0.1]
    assert {(each.trigger, each.tags, each.memory, each.cache, each.secrets) for each in found} == {
        (f"sweep:{sweep}", ("gpu",), "1GiB", True, ("token",))
    }
    assert actions(ws).count("sweep.submitted") == 1
    backdate(ws, "search", 1)
    ws.catalog.measure(lambda change: change.execute(delete(schedule_firings)) and None)
    assert fire_due(ws) == [], "its sweep is still under way"
    assert ws.call(service.show, ShowSchedule(schedule="search")).error == f"{sweep} is still queued"


def test_a_grid_is_checked_when_the_schedule_is_made(ws: Workspace) -> None:
    with pytest.raises(InvalidValue, match="lr"):
        mlops.schedule("search", "train.ipynb", cron=HOURLY, grid={"lr": [1]}, workspace=ws)
    with pytest.raises(InvalidValue, match="a grid for a pipeline"):
        mlops.schedule("search", pipeline="p", cron=HOURLY, grid={"lr": [1]}, workspace=ws)
    with pytest.raises(InvalidValue, match="0 runs"):
        mlops.schedule("search", "train.ipynb", cron=HOURLY, grid={"day": []}, workspace=ws)
