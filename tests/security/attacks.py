"""What an attacker with a GitHub account can do: everything that anybody may write into a repository of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custom_resources.clients.git import ROBOT
from standins.github.bare import Bare
from tests.integration.world import Project, World


def bare(world: World, name: str) -> Bare:
    """Return a repository on the stand-in's disk."""
    found = world.github.store.by_name("acme", name)
    assert found is not None
    return world.github.store.bare(found)


def stranger(world: World, name: str = "p1-build", **settings: Any) -> dict[str, Any]:
    """Make somebody's repository; return what GitHub knows of it."""
    world.rest("POST", "/orgs/acme/repos", name=name, private=True, **settings)
    return world.snapshot(name)


def rename(world: World, old: str, new: str) -> None:
    """Rename a repository, which keeps its former name as a redirect."""
    archived = world.snapshot(old)["archived"]
    for changes in ({"archived": False}, {"name": new}):
        world.rest("PATCH", f"/repos/acme/{old}", **changes)
    world.rest("PATCH", f"/repos/acme/{new}", archived=archived)


def copy_everything(world: World, source: str, target: str) -> None:
    """Copy all objects and refs of a repository, as `git clone --mirror` and `git push --mirror` do."""
    from_, to = bare(world, source), bare(world, target)
    to.run("fetch", "--quiet", str(from_.path), "+refs/*:refs/*")
    to.set_head("main")


def write_refs(place: Bare, refs: Mapping[str, str]) -> None:
    """Make refs point to commits ("" = take them away), as a push does."""
    lines = "".join(f"update {ref} {sha}\n" if sha else f"delete {ref}\n" for ref, sha in refs.items())
    place.run("update-ref", "--stdin", stdin=lines.encode())


def commit(place: Bare, message: str, *parents: str, tree: str = "", robot: bool = True) -> str:
    """Write a commit with any message, of our robot if that is wanted; return its name."""
    tree = tree or place.text("hash-object", "-t", "tree", "-w", "/dev/null")
    name, mail = ROBOT if robot else ("Eve", "eve@example.com")
    head = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    head += [f"author {name} <{mail}> 1700000000 +0000", f"committer {name} <{mail}> 1700000000 +0000"]
    content = "\n".join([*head, "", message]).encode()
    return place.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=content)[1].decode().strip()


def unsealed(project: Project) -> None:
    """Make of a freshly seeded repository what it was before there were proofs: no seal, no MAC."""
    place, refs = project.bare, project.refs()
    seeded = refs["refs/studio/template"]
    message = place.text("show", "--no-patch", "--format=%B", seeded)
    text = "\n".join(line for line in message.strip().splitlines() if not line.startswith("Studio-Mac:"))
    tree = place.resolve(f"{seeded}^{{tree}}")
    old = commit(place, f"{text}\n", tree=tree)
    [record] = [ref for ref in refs if ref.startswith("refs/studio/delivered/")]
    shorter = record.rpartition("-")[0]
    write_refs(place, {"refs/heads/main": old, "refs/studio/template": old, record: "", shorter: old})
