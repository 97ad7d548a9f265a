"""Every line that an installation deploys is as somebody reviewed it (docs/decisions/0128).

`test_one_account.py` holds every template of Studio in one account. Here is what differs from there, or from the
settings that we ship: by an enterprise's settings, by those that nobody else here changes, and by several accounts.
No setting is the same in all of them. `GOLDEN=write` writes the files; their
difference is read like code: a right, a trigger, a number or a sentence that changes is one of its lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from products.assembly import write_assembly
from products.functions import ANY_ORGANIZATION_CONTEXT, DIRECT_LAUNCHES_CONTEXT, QUERY_INTERVAL_CONTEXT
from products.settings import PROJECT_ROOT, Settings, load_settings
from products.versions import TEMPLATE_FILE, read_versions
from tests.synth.conftest import (
    ACCOUNTS_SETTINGS,
    ADMIN_SETTINGS,
    LAUNCHES_ONLY_SETTINGS,
    OTHER_SETTINGS,
    STUDIO_SETTINGS,
    Assembly,
    context,
    copied,
    with_settings,
)
from tests.synth.test_contract import require_as_it_was
from tests.synth.test_one_account import grouped, lines
from tests.updates.switches import NOT_SWITCHED

# Seven syntheses; make test has what launched stacks rely on (test_contract.py).
pytestmark = pytest.mark.long


def difference(former: Assembly, now: Assembly) -> list[str]:
    """Return the lines that came and left, grouped by the part that they are of."""
    here, there = Counter(lines(former.path)), Counter(lines(now.path))
    came, left = sorted((there - here).elements()), sorted((here - there).elements())
    return ["# came", *grouped(_headed(came)), "", "# left", *grouped(_headed(left))]


def _headed(flat: list[str]) -> list[str]:
    """Return lines with the heading of each part, which may be a line of both sides."""
    return sorted({*flat, *(f"{line.partition(': ')[0].removesuffix(':')}:" for line in flat)})


def test_what_an_enterprises_settings_change(assembly: Assembly, administered: Assembly) -> None:
    require_as_it_was("administered.txt", difference(assembly, administered))


def test_what_the_domains_account_deploys(places: dict[str, Assembly]) -> None:
    require_as_it_was("domain.txt", grouped(lines(places["domain"].path)))


def test_what_an_account_beside_the_domains_changes(open_doors: Assembly, places: dict[str, Assembly]) -> None:
    require_as_it_was("account.txt", difference(open_doors, places["research/eu-west-1"]))


def test_what_the_settings_change_that_the_others_leave_alone(open_doors: Assembly, other: Assembly) -> None:
    require_as_it_was("other.txt", difference(open_doors, other))


def test_what_is_left_of_an_installation_that_only_launches(assembly: Assembly, launches_only: Assembly) -> None:
    require_as_it_was("launches_only.txt", difference(assembly, launches_only))


def test_what_the_local_runs_context_changes(administered: Assembly, tmp_path: Path) -> None:
    store = copied(administered.store, tmp_path)
    settings, versions = load_settings(with_settings(tmp_path, ADMIN_SETTINGS)), read_versions(store)
    (store / versions[-1].version / TEMPLATE_FILE).unlink()  # who uses the context has no template to keep

    def with_context(name: str, interval: int | None, allowed: object) -> Assembly:
        given = {QUERY_INTERVAL_CONTEXT: interval, DIRECT_LAUNCHES_CONTEXT: allowed, ANY_ORGANIZATION_CONTEXT: allowed}
        write_assembly(settings, versions, store, str(tmp_path / name), {**context(), **given})
        return Assembly(tmp_path / name, store)

    require_as_it_was("context.txt", difference(administered, with_context("given", 2, True)))
    refused = with_context("refused", None, "yes")  # only `true` itself opens what is closed
    assert difference(administered, refused) == ["# came", "", "# left"]


REVIEWED = (STUDIO_SETTINGS, ADMIN_SETTINGS, OTHER_SETTINGS, LAUNCHES_ONLY_SETTINGS, ACCOUNTS_SETTINGS)


def changed(given: BaseModel, table: str = "") -> Iterator[str]:
    """Yield the settings that have another value than their default."""
    for name, field in type(given).model_fields.items():
        value: Any = getattr(given, name)
        if isinstance(value, BaseModel):
            yield from changed(value, f"{table}{name}.")
        elif value != field.get_default(call_default_factory=True):
            yield f"{table}{name}"


def every(model: type[BaseModel], table: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from every(field.annotation, f"{table}{name}.")
        else:
            yield f"{table}{name}"


def test_each_setting_is_seen_in_a_file_that_somebody_reviewed(tmp_path: Path) -> None:
    """A setting whose effect is in none of them may lose it, and no line tells."""
    shipped = (PROJECT_ROOT / "settings.toml").read_text(encoding="utf-8")
    seen = {key for text in (shipped, *REVIEWED) for key in changed(load_settings(with_settings(tmp_path, text)))}
    in_no_stack = {key for key, reason in NOT_SWITCHED.items() if "is in no stack" in reason}
    assert set(every(Settings)) - seen - in_no_stack == set()
