"""A repository's topics: the users' and the template's together. Pure."""

from __future__ import annotations

from collections.abc import Iterable

TOPICS = 20  # as many as a repository can have


def merged_topics(
    wanted: Iterable[str], there: Iterable[str] = (), dropped: Iterable[str] = ()
) -> tuple[str, ...] | None:
    """Return the users' topics with the template's, at most 20 (GitHub's limit, theirs first); None = as they are."""
    mine = [topic.lower() for topic in wanted]  # as GitHub keeps them
    gone = {topic.lower() for topic in dropped} - set(mine)
    kept = [topic for topic in there if topic not in gone]
    topics = tuple(dict.fromkeys([*kept, *mine]))[:TOPICS]
    return None if set(topics) == set(there) else topics
