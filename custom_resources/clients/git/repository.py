"""A bare repository on disk with one remote, shallow and without contents: what the custom resources work with."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from custom_resources.clients.git.consequences import with_consequences
from custom_resources.clients.git.conversation import Conversation
from custom_resources.clients.git.failures import (
    GitFailed,
    RequestFailed,
    ServerRefused,
    Translator,
    passes,
)
from custom_resources.clients.git.importing import import_files
from custom_resources.clients.git.merging import keep_ours, merge_trees
from custom_resources.clients.git.model import Change, Commit, Merge, Refs
from custom_resources.clients.git.objects import Objects
from custom_resources.clients.git.processes import GENEROUS, MODEST, Processes
from custom_resources.clients.git.receive_pack import Move, push
from custom_resources.clients.git.upload_pack import Advertisement, Pack, at_once, by_name, look
from custom_resources.clients.repeating import repeated
from custom_resources.clients.replicas import Replicas
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.errors import HistoryTooLarge, RepositoryTooLarge, RetryLater
from custom_resources.template_content import TemplateFile

T = TypeVar("T")
_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_STREAMED = {"core.bigFileThreshold": "8m"}  # larger contents pass through git without being held in memory
_OF_A_FETCH = 3  # requests: what the server can, its refs, the pack
_MOST_OF_HISTORY = 32 * 1024 * 1024  # bytes of commit messages
_EMPTY_PACK = b"PACK\0\0\0\2\0\0\0\0" + bytes.fromhex("029d08823bd8a8eab510ad6ac75c823cfd3ed31e")


class Git:
    """Opens repositories of one Git server."""

    def __init__(
        self,
        server_url: str,
        token: Callable[[str], str],
        renew: Callable[[str], bool],
        limit: RequestLimit | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        """`token` gets the name of a repository that is contacted; `renew` gets a rejected one.

        It tells whether there is another to try.
        """
        import git  # noqa: F401  (what takes long happens when the client is made: in Lambda, before the first event)
        import requests  # noqa: F401

        self.url = server_url.rstrip("/")
        self.token = token
        self.renew = renew
        self.limit = limit or RequestLimit()
        self.replicas = replicas or Replicas()

    @contextmanager
    def open(self, full_name: str, when: float = 0) -> Iterator[BareRepository]:
        """Yield an empty bare repository whose remote is `full_name`; it is gone after the block.

        Commits made in it carry the time `when` (Unix seconds; 0 = now), so that a retry makes the same commits.
        """
        with tempfile.TemporaryDirectory(prefix="repository-", ignore_cleanup_errors=True) as directory:
            repository = BareRepository(self, full_name, Path(directory), int(when or time.time()))
            try:
                yield repository
            finally:
                repository.close()


class BareRepository:
    """A bare repository on disk with one remote.

    Objects are read through one git process, which starts with the first that is read; each method says what it
    needs besides. Failures of the remote are RepositoryUnreachable, CredentialsRejected, RepositoryTooLarge or
    RetryLater.
    """

    def __init__(self, server: Git, full_name: str, directory: Path, when: int) -> None:
        """Nothing is created or contacted yet."""
        self.path = directory / "repository.git"
        self._server = server
        self._when = f"{when} +0000"
        self._processes = Processes(directory, self.path, self._remote_settings, server.limit)
        self._open(full_name)

    def _open(self, full_name: str) -> None:
        token = partial(self._server.token, full_name)
        self._conversation = Conversation(f"{self._server.url}/{full_name}.git", token, self._server.limit)
        self._objects = Objects(self._processes)
        self._advertised: Advertisement | None = None
        self._here: set[str] = set()  # commits with their trees
        self._contents: set[str] = set()

    def _remote_settings(self) -> dict[str, str]:
        return self._conversation.settings()

    def close(self) -> None:
        """End what is still open: a process and a connection."""
        self._conversation.close()
        self._objects.close()

    def _translator(self) -> Translator:
        return Translator(self._conversation.url, lambda: self._server.renew(self._conversation.token))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (GitFailed, RequestFailed) as failed:
            raise self._translator().of_reading(failed) from None

    def _repeated(self, act: Callable[[], T], meaning: Callable[[GitFailed | RequestFailed], Exception]) -> T:
        """Talk to the remote; repeat it where it fails for a cause that passes. `meaning` is the translator's."""

        def once_more(failed: Exception) -> bool:
            return isinstance(failed, (GitFailed, RequestFailed)) and passes(failed, meaning)

        return repeated(act, once_more, self._server.limit)

    # -- reading from the remote ----------------------------------------------------------------------------

    def look(self) -> Refs:
        """List the remote's refs. One request, no process; the repository on disk need not exist."""
        with self._reading():
            self._advertised = self._repeated(lambda: look(self._conversation), self._translator().of_reading)
        return self._advertised.refs

    def move(self, full_name: str) -> None:
        """Forget what was fetched and take another remote."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)
        self._open(full_name)

    def start(self) -> None:
        """Create the repository if it does not exist, without a request to the remote. No process."""
        if not self.path.exists():
            for folder in ("objects/pack", "objects/info", "refs/heads"):
                (self.path / folder).mkdir(parents=True)
            (self.path / "HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")
            (self.path / "config").write_text(_CONFIG, encoding="ascii")

    def fetch(self, *commits: str) -> None:
        """Fetch commits by name with their trees, without parents or contents; none if all are here.

        One request and one process after `look`, else two requests; git's own fetch if the server cannot do that.
        """
        wanted = sorted(set(commits) - self._here - {""})
        if not wanted:
            return
        self.start()
        with self._reading():
            self._repeated(lambda: self._fetch(wanted), self._translator().of_reading)
        self._here.update(wanted)

    def _fetch(self, wanted: list[str]) -> None:
        if not self._receive(wanted, depth=True):
            self._fetch_by_git(["--depth=1", "--filter=blob:none"], wanted)

    def _receive(self, wanted: list[str], *, depth: bool) -> bool:
        """Get objects in the fewest requests that the server allows: one, else two; False if it cannot."""
        shallow = self._shallow() if depth else ()
        if self._advertised and self._advertised.gives_at_once(wanted, depth=depth):
            with (
                suppress(ServerRefused),
                at_once(self._conversation, self._advertised, wanted, depth=depth, shallow=shallow) as pack,
            ):
                self._take(pack, depth=depth)
                return True
        with by_name(self._conversation, wanted, depth=depth, shallow=shallow) as found:
            if found:
                self._take(found, depth=depth)
            return found is not None

    def _take(self, pack: Pack, *, depth: bool) -> None:
        """Store a pack. It is marked as one of a promise, or git would miss what it does not hold."""
        limits = MODEST if depth else GENEROUS
        arguments = ("index-pack", "--stdin", "--promisor")
        self._processes.feed(*arguments, blocks=pack.data, settings=_STREAMED, environment=limits)
        shallow = {*self._shallow(), *pack.shallow}
        if shallow:
            (self.path / "shallow").write_text("".join(f"{sha}\n" for sha in sorted(shallow)), encoding="ascii")

    def _shallow(self) -> list[str]:
        """Return the commits whose parents are not here."""
        file = self.path / "shallow"
        return file.read_text(encoding="ascii").split() if file.exists() else []

    def fetch_history(self, commit: str) -> None:
        """Fetch all commits that lead to one, without their trees. As large as the history; git's own fetch."""
        self.start()

        def fetch() -> None:
            deeper = ["--unshallow"] if self._shallow() else []
            self._fetch_by_git(["--filter=tree:0", *deeper], [commit])

        with self._reading():
            self._repeated(fetch, self._translator().of_reading)

    def _fetch_by_git(
        self, options: Sequence[str], names: Sequence[str], *, stdin: str = "", limits: Mapping[str, str] = MODEST
    ) -> None:
        self._server.limit.take(_OF_A_FETCH)
        arguments = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *options, "origin", *names)
        self._processes.run(*arguments, stdin=stdin.encode(), environment=limits)

    def _fetch_contents(self, blobs: Collection[str]) -> None:
        """Fetch contents. One request and a process, or git's own fetch of all of them; none if all are here."""
        wanted = sorted(blob for blob in set(blobs) - self._contents if not self._objects.has_file(blob))
        if not wanted:
            return

        def fetch() -> None:
            if not self._receive(wanted, depth=False):
                names = "".join(f"{name}\n" for name in wanted)
                self._fetch_by_git(["--filter=blob:none", "--stdin"], [], stdin=names, limits=GENEROUS)

        self._repeated(fetch, self._translator().of_reading)
        self._contents.update(wanted)

    # -- reading what is here ---------------------------------------------------------------------------------

    def commit(self, sha: str) -> Commit:
        """Read one commit by its name. The parents are those written in it, fetched or not."""
        with self._reading():
            found = self._objects.commit(sha)
            if found is None:
                raise GitFailed("cat-file", 128, f"the object {sha} is no commit")
            return found

    def message(self, sha: str) -> str:
        """Return a commit's message, "" for what is none (a ref may point to anything), or one too large to be ours."""
        try:
            with self._reading():
                found = self._objects.commit(sha)
        except RepositoryTooLarge:
            return ""
        return found.message.strip() if found else ""

    def changes(self, old_tree: str, new_tree: str) -> list[Change]:
        """Return what differs between two trees, by name; contents are not needed."""
        with self._reading():
            return self._objects.changes(old_tree, new_tree)

    def entries(self, tree: str) -> dict[str, str]:
        """Return path -> blob of a tree."""
        with self._reading():
            return {path: entry.sha for path, entry in self._objects.files(tree).items()}

    def blob(self, sha: str) -> bytes:
        """Return a content, fetching it if it is not here."""
        with self._reading():
            content = self._objects.read(sha, "blob")
            if content is None:
                raise GitFailed("cat-file", 128, f"the object {sha} is no content")
            return content

    def patch(self, old_tree: str, new_tree: str) -> str:
        """Return the difference of two trees as a patch; contents that are not here are fetched. One process."""
        with self._reading():
            _, out = self._processes.run("diff", "--no-ext-diff", "--no-color", "--no-textconv", old_tree, new_tree)
        return out.decode("utf-8", "replace")

    def history(self, revision: str, saying: str = "") -> list[Commit]:
        """Return the commits that are here and lead to one, children before parents. One process.

        Only those whose messages say something, if that is given. Raises HistoryTooLarge.
        """
        arguments = ["log", "-z", "--topo-order", "--format=%H%x01%T%x01%P%x01%ce%x01%B"]
        arguments += ["--fixed-strings", f"--grep={saying}"] if saying else []
        with cast("BinaryIO", tempfile.TemporaryFile()) as file:
            self._processes.pour(*arguments, revision, stdin=b"", into=file, most=_MOST_OF_HISTORY)
            if file.tell() > _MOST_OF_HISTORY:
                raise HistoryTooLarge(limit=_MOST_OF_HISTORY)
            file.seek(0)
            out = file.read()
        commits = []
        for record in filter(None, out.decode("utf-8", "replace").split("\0")):
            sha, tree, parents, committer, message = record.split("\x01", 4)
            commits.append(Commit(sha.strip(), tree, tuple(parents.split()), message, committer))
        return commits

    # -- writing here -----------------------------------------------------------------------------------------

    def import_commit(self, files: Iterable[TemplateFile], message: str, parent: str = "") -> str:
        """Write a commit that holds exactly these files; return its name (git fast-import, one process)."""
        self.start()
        note = self._contents.add
        return import_files(self._processes, files, note, message=message, parent=parent, when=self._when)

    def commit_tree(self, tree: str, parents: Sequence[str], message: str) -> str:
        """Write a commit of a tree; neither it nor the parents need be complete here. No process."""
        return self._objects.store_commit(tree, parents, message, self._when)

    def empty_tree(self) -> str:
        """Return the tree that holds nothing. No process."""
        self.start()
        return self._objects.store("tree", b"")

    def merge(self, base_tree: str, ours_tree: str, theirs_tree: str) -> Merge:
        """Merge two trees with git's own merge (ort), as `git merge` in a full clone of `ours` would.

        Two processes. One request when files were changed on both sides or .gitattributes are read, and at most
        three batches of two where git has to compare contents to find renames. See consequences for what else it
        reports.
        """
        trees, fetch = (base_tree, ours_tree, theirs_tree), self._fetch_contents
        with self._reading():
            merge = merge_trees(self._processes, self._objects, trees, self._when, fetch)
            return with_consequences(self._processes, self._objects, trees, merge, fetch)

    def keep_ours(self, merge: Merge, base_tree: str, ours_tree: str, theirs_tree: str) -> tuple[str, tuple[str, ...]]:
        """Return the merged tree with our side, whole, wherever there was a conflict, and the paths where it was kept.

        A file that we changed stays at its path as well where the merge gave that up and brought the content nowhere
        else: nothing of ours is lost, whatever the conflict's shape. Several processes.
        """
        with self._reading():
            return keep_ours(self._processes, self._objects, merge, (base_tree, ours_tree, theirs_tree))

    # -- writing to the remote --------------------------------------------------------------------------------

    def push(self, seen: Refs, targets: Mapping[str, str]) -> None:
        """Make refs on the remote point where they shall ("" = nowhere), all or none, if they still are as `seen`.

        Two requests and at most one process; none when nothing is to be moved. Raises PushRejected when a ref has
        moved on or a rule refuses it, RepositoryArchived, ContentRefused, RepositoryUnreachable, CredentialsRejected,
        GitServerLacks, or RetryLater when the server did not answer well. A push whose answer was lost is looked for:
        refs that point where they shall are ours, and all is done.
        """
        moves = [Move(ref, seen[ref], target) for ref, target in targets.items() if seen[ref] != target]
        if not moves:
            return
        translator = self._translator()
        with self._server.limit.writes.sending() as sent:
            try:
                self._repeated(lambda: push(self._conversation, moves, self._write_pack), translator.of_pushing)
                self._server.replicas.wrote()
            except (GitFailed, RequestFailed) as failed:
                meaning = translator.of_pushing(failed)
                if not isinstance(meaning, RetryLater):
                    sent.refuse()  # all of it: the refs move together
                raise meaning from None

    def _write_pack(self, file: BinaryIO, new: Collection[str], there: Collection[str]) -> None:
        """Append a pack of what leads to `new` and not to those of `there` that are here."""
        if set(new) <= set(there):
            file.write(_EMPTY_PACK)
            return
        known = sorted(self._here & set(there))
        names = "".join(f"{name}\n" for name in (*sorted(new), *(f"^{name}" for name in known)))
        options = ("--revs", "--stdout", "--delta-base-offset", "--quiet")
        self._processes.pour("pack-objects", *options, stdin=names.encode(), into=file)
