"""What the verbs do with a rollout: begin, pause, go on, end, try the failed again."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from operations.errors import NoRollout, RolloutChanged, RolloutEnded, RolloutRuns, RolloutUnderWay
from operations.rollout.state import Rollout, Target, Wish, wave_item
from operations.rollout.windows import spans, window
from products.rollout.names import NOBODY, PAUSED_BY_PERSON

if TYPE_CHECKING:
    from custom_resources.clients.service_catalog import Launch
    from operations.rollout.planning import Plan
    from operations.rollout.store import RolloutStore

Lists = Mapping[str, Sequence[Mapping[str, str]]]
_RETRIED = ("failed", "skipped")
_AGAIN = "again"  # the wave of those that are tried again


def begin(store: RolloutStore, plan: Plan, target: Target, wish: Wish, now: float | None = None) -> Rollout:
    """Write the plan and its lists, take the place of the one rollout, start the machine. Raises RolloutUnderWay."""
    now = time.time() if now is None else now
    times = spans(window(wish.window), now) if wish.window else []
    found = store.read()
    if found and found.under_way:
        raise RolloutUnderWay(rollout=found.id, version=found.target.version)
    # Ids sort by the time. Two that begin in one second have files of their own; only one of them becomes the rollout.
    now = max(now, found.started + 1) if found else now
    identifier = f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{target.version}-{secrets.token_hex(2)}"
    lists = {f"wave-{number}": [wave_item(each) for each in wave] for number, wave in enumerate(plan.waves, 1)}
    names = list(lists)
    rollout = Rollout(
        id=identifier,
        phase="running",
        target=target,
        wish=wish,
        planned=len(plan.launches),
        started=now,
        runs=1,
        canary=names[0] if len(names) > 1 else "",
        waves=tuple(names),
    )
    for name, projects in lists.items():
        store.write_wave(identifier, name, projects)
    store.write_plan(rollout)
    if not store.create(rollout, times):
        raise RolloutUnderWay(rollout=identifier, version=target.version)
    # Whoever is stopped here goes on with `resume`: the item says that nothing runs yet.
    store.run(identifier, 1)
    return rollout


def current(store: RolloutStore) -> Rollout:
    """Return the rollout that there is, or was last. Raises NoRollout."""
    found = store.read()
    if found is None:
        raise NoRollout
    return found


def _under_way(store: RolloutStore) -> Rollout:
    found = current(store)
    if not found.under_way:
        raise RolloutEnded(rollout=found.id, phase=found.phase)
    return found


def pause(store: RolloutStore) -> Rollout:
    """Start no further update; those that run finish. Raises NoRollout, RolloutEnded, RolloutChanged."""
    found = _under_way(store)
    if found.paused:
        return found
    _require(store.change(found, ["running"], values={"Paused": {"S": PAUSED_BY_PERSON}}), found)
    return replace(found, paused=PAUSED_BY_PERSON)


def abort(store: RolloutStore, *, force: bool = False) -> Rollout:
    """End it: what runs ends by itself. `force` does not wait for the machine to notice.

    Raises NoRollout, RolloutEnded, RolloutChanged.
    """
    found = _under_way(store)
    values: dict[str, Any] = {"Aborted": {"S": "yes"}}
    if force or not store.runs(found):
        # No execution may take it for its own any more, nor any child.
        values |= {"Phase": {"S": "aborted"}, "RunBy": {"S": NOBODY}, "EndedAt": {"N": str(int(time.time()))}}
    _require(store.change(found, ["running", "paused"], values=values), found)
    return current(store)


def resume(store: RolloutStore, now: float | None = None) -> Rollout:
    """Go on: where the machine still runs, by letting it; else it is started with what is left.

    Raises NoRollout, RolloutEnded, RolloutRuns, RolloutChanged.
    """
    found = _under_way(store)
    if found.phase == "running" and store.runs(found):
        if not found.paused:
            raise RolloutRuns(rollout=found.id)
        if store.change(found, ["running"], remove=["Paused"]):
            return current(store)
        found = _under_way(store)  # it has come to a stand meanwhile
    return _go_on(store, found, left(store, found), now)


def retry(store: RolloutStore, launches: Sequence[Launch], now: float | None = None) -> tuple[Rollout, int]:
    """Update those again that failed or were skipped, before all that is left; return how many they are.

    `launches` are as Service Catalog has them now: a project that was terminated meanwhile is noted as gone. Of a
    rollout that ended though some projects have no result, these are updated. Raises NoRollout, RolloutRuns,
    RolloutChanged.
    """
    found = current(store)
    if found.phase == "running" and store.runs(found):
        raise RolloutRuns(rollout=found.id)
    failed = {each.launch: each for each in store.results(found.id) if each.result in _RETRIED}
    projects = [wave_item(each) for each in launches if each.id in failed]
    for gone in failed.keys() - {each.id for each in launches}:
        store.write_result(found.id, replace(failed[gone], result="gone", reason="The project was terminated"))
    others = left(store, found)
    if not projects and (found.phase != "ended" or not others):
        return found, 0
    lists, canary = {_AGAIN: projects, **others} if projects else others, found.canary
    if projects and canary and found.wave in ("", canary):
        # A canary that is tried again is the canary still: its soaking and its approval are not passed by.
        lists[_AGAIN] = [*projects, *lists.pop(canary, [])]
        canary = _AGAIN
    counters = {"CountFailed": {"N": "0"}, "CountSkipped": {"N": "0"}}
    forget = [each["launch"] for each in projects]
    asked = replace(found, canary=canary)
    return _go_on(store, asked, lists, now, values=counters, remove=["SoakUntil"], forget=forget), len(projects)


def left(store: RolloutStore, rollout: Rollout) -> dict[str, list[dict[str, str]]]:
    """Return what has no result yet, wave by wave."""
    finished = store.finished(rollout.id)
    remaining = {
        name: [each for each in projects if each["launch"] not in finished]
        for name, projects in store.waves(rollout).items()
    }
    return {name: projects for name, projects in remaining.items() if projects}


def _go_on(
    store: RolloutStore,
    rollout: Rollout,
    lists: Lists,
    now: float | None,
    *,
    values: Mapping[str, Any] | None = None,
    remove: Sequence[str] = (),
    forget: Sequence[str] = (),
) -> Rollout:
    """Start the machine again with these lists, under unique names: two callers that resume at once write apart.

    The change of the item decides which of them resumes. Only then are results deleted.
    """
    now = time.time() if now is None else now
    run, mark = rollout.runs + 1, secrets.token_hex(2)
    names = {name: f"wave-{run}-{number}-{mark}" for number, name in enumerate(lists, 1)}
    for name, projects in lists.items():
        store.write_wave(rollout.id, names[name], projects)
    times = spans(window(rollout.wish.window), now) if rollout.wish.window else []
    changed: dict[str, Any] = {
        **(values or {}),
        "Phase": {"S": "running"},
        "Runs": {"N": str(run)},
        # The failures so far have been looked at: only new ones count.
        "FailedOnes": {"M": {}},
        "Waves": {"S": json.dumps(list(names.values()))},
        "CanaryWave": {"S": names.get(rollout.canary, "")},
        "OpenTimes": {"S": json.dumps(times)},
        "RunBy": {"S": NOBODY},  # until the new execution takes it: no child of an earlier one begins
    }
    gone = ["Paused", "Aborted", "NotStarted", "EndedAt", "Wave", *remove]
    phases = ["running", "paused", "ended", "aborted"]
    _require(store.change(rollout, phases, values=changed, remove=gone, as_run=True), rollout)
    store.write_plan(replace(rollout, waves=tuple(names.values())))
    store.forget(rollout.id, forget)
    store.run(rollout.id, run)
    return current(store)


def _require(changed: bool, rollout: Rollout) -> None:
    if not changed:
        raise RolloutChanged(rollout=rollout.id)
