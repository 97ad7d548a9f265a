"""Every line that an installation deploys is as somebody reviewed it (docs/decisions/0128).

`test_one_account.py` holds every template of Studio in one account. Here is what differs from there, or from the
settings that we ship: by an enterprise's settings, and by several accounts. `GOLDEN=write` writes the files; their
difference is read like code: a right, a trigger, a number or a sentence that changes is one of its lines.
"""

from __future__ import annotations

from collections import Counter

from tests.synth.conftest import Assembly
from tests.synth.test_contract import require_as_it_was
from tests.synth.test_one_account import grouped, lines


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
