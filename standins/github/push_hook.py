"""What GitHub checks when a push arrives. Run by git receive-pack, as its pre-receive and proc-receive hooks.

Standard library only: the process starts with each push. The server passes the policy of this push in the
variable STANDIN_POLICY (JSON: `rules`, `workflows`, `noun`, `page`, `push_protection`, `allowed_secrets`).
pre-receive refuses the whole push (GH001), proc-receive refuses single refs, with GitHub's words, and lets git
update the others.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

ZERO = "0" * 40
LARGEST_FILE = 100 * 1024 * 1024
WORKFLOWS = ".github/workflows/"
# Some of what push protection finds ("Supported secret scanning patterns").
_SECRETS = {
    "Amazon AWS Access Key ID": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub Personal Access Token": rb"\bghp_[0-9A-Za-z]{36}\b",
    "GitHub App Installation Access Token": rb"\bghs_[0-9A-Za-z]{36}\b",
    "Stripe Live API Secret Key": rb"\bsk_live_[0-9A-Za-z]{24,99}\b",
}


def _git(*arguments: str, stdin: bytes = b"", status: Sequence[int] = (0,)) -> tuple[int, str]:
    done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=False)
    if done.returncode not in status:
        raise SystemExit(done.stderr.decode("utf-8", "replace"))
    return done.returncode, done.stdout.decode("utf-8", "surrogateescape")


def _say(text: str) -> None:
    sys.stderr.buffer.write(f"{text}\n".encode("utf-8", "surrogateescape"))  # whatever the locale
    sys.stderr.flush()


# -- the whole push ---------------------------------------------------------------------------------------------


def large_files(news: Iterable[str]) -> list[tuple[str, int]]:
    """Return (path, bytes) of the files over 100 MB that no ref holds yet."""
    revisions = "".join(f"{new}\n" for new in news).encode()
    _, objects = _git("rev-list", "--objects", "--stdin", "--not", "--all", stdin=revisions)
    form = "--batch-check=%(objecttype) %(objectsize) %(rest)"
    _, sizes = _git("cat-file", form, stdin=objects.encode("utf-8", "surrogateescape"))
    found = []
    for line in sizes.splitlines():
        kind, size, path = f"{line}  ".split(" ", 2)
        if kind == "blob" and int(size) > LARGEST_FILE:
            found.append((path.strip(), int(size)))
    return found


def pre_receive(lines: Iterable[str]) -> int:
    """Refuse a push that brings a file over 100 MB."""
    news = [line.split()[1] for line in lines]
    found = large_files(new for new in news if new != ZERO)
    if not found:
        return 0
    _say("error: Trace: 0000000000000000000000000000000000000000000000000000000000000000")
    _say("error: See https://gh.io/lfs for more information.")
    for path, size in found:
        limit = "this exceeds GitHub's file size limit of 100.00 MB"
        _say(f"error: File {path} is {size / 1024 / 1024:.2f} MB; {limit}")
    _say("error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.")
    return 1


# -- single refs ------------------------------------------------------------------------------------------------


def _regex(pattern: str) -> re.Pattern[str]:
    """Translate GitHub's pattern: `*` stops at a slash, `**` does not."""
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    return re.compile("".join({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or re.escape(part) for part in parts))


def applies(rule: dict[str, Any], ref: str) -> bool:
    """Tell whether a rule is about a ref (patterns of full ref names)."""

    def listed(patterns: list[str]) -> bool:
        return any(_regex(pattern).fullmatch(ref) for pattern in patterns)

    return listed(rule["include"]) and not listed(rule["exclude"])


def violations(rule: dict[str, Any], actions: Iterable[str]) -> list[str]:
    """Return the sentences of what the rule has against the actions (create, update, delete, force, merge)."""
    deny: dict[str, list[str]] = rule["deny"]
    return list(dict.fromkeys(sentence for action in actions for sentence in deny.get(action, [])))


def actions_of(old: str, new: str) -> list[str]:
    """Name what a change of a ref is."""
    if new == ZERO:
        return ["delete"]
    if old == ZERO:
        return ["create", "update"] if _has_branches() else ["create"]
    actions = ["update"]
    if _git("merge-base", "--is-ancestor", old, new, status=(0, 1, 128))[0]:
        actions.append("force")
    if _git("rev-list", "--min-parents=2", "--max-count=1", f"{old}..{new}", status=(0, 128))[1].strip():
        actions.append("merge")
    return actions


def _has_branches() -> bool:
    return bool(_git("for-each-ref", "--count=1", "refs/heads")[1])


def new_workflow(new: str) -> str:
    """Return the path of a workflow file of a commit that no branch or other ref has in this form, else ""."""

    def workflows(revision: str) -> set[tuple[str, str]]:
        code, out = _git("ls-tree", "-r", "-z", revision, "--", WORKFLOWS, status=(0, 128))
        lines = filter(None, out.split("\0")) if code == 0 else iter(())
        return {(path, meta.split()[2]) for meta, _, path in (line.partition("\t") for line in lines)}

    wanted = workflows(new)
    if not wanted:
        return ""
    for tip in set(_git("for-each-ref", "--format=%(objectname)")[1].split()):
        wanted -= workflows(tip)
        if not wanted:
            return ""
    return min(wanted)[0]


# -- push protection --------------------------------------------------------------------------------------------


class Finding(NamedTuple):
    """A secret in a file's content. `placeholder` is the end of the address at which it can be allowed."""

    kind: str
    placeholder: str
    line: int


def secrets_in(content: bytes) -> Iterator[Finding]:
    """Yield the secrets of a file, in the order of the patterns."""
    for kind, pattern in _SECRETS.items():
        for match in re.finditer(pattern, content):
            placeholder = hashlib.sha256(match[0]).hexdigest()[:27]
            yield Finding(kind, placeholder, content.count(b"\n", 0, match.start()) + 1)


def _new_files(new: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield commit, path and content of what the commits add or change that no ref holds yet."""
    _, commits = _git("rev-list", new, "--not", "--all")
    for commit in commits.split():
        options = ("--root", "-r", "-z", "--no-commit-id", "--no-renames", "--diff-filter=AMT")
        fields = _git("diff-tree", *options, commit)[1].split("\0")
        for raw, path in zip(fields[::2], fields[1::2], strict=False):
            mode, blob = raw.split()[1], raw.split()[3]
            if mode.startswith("100"):
                content = subprocess.run(["git", "cat-file", "blob", blob], capture_output=True, check=True).stdout
                yield commit, path, content


def exposed(policy: dict[str, Any], new: str, ref: str) -> bool:
    """Tell whether push protection refuses the new commits of a ref; say to the person what it found, and where."""
    found: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for commit, path, content in _new_files(new):
        for kind, placeholder, line in secrets_in(content):
            if placeholder not in policy["allowed_secrets"]:
                found.setdefault((kind, placeholder), []).append((commit, path, line))
    if not found:
        return False
    bar = "\u2014"
    _say(f"error: GH013: Repository rule violations found for {ref}.\n")
    _say(f"- GITHUB PUSH PROTECTION\n  {bar * 41}\n    Resolve the following violations before pushing again\n")
    _say("    - Push cannot contain secrets\n\n     (?) Learn how to resolve a blocked push")
    _say("     https://docs.github.com/code-security/secret-scanning/working-with-push-protection\n\n")
    for (kind, placeholder), places in found.items():
        _say(f"      {bar * 2} {kind} {bar * max(2, 60 - len(kind))}")
        _say("       locations:")
        for commit, path, line in places:
            _say(f"         - commit: {commit}\n           path: {path}:{line}")
        _say("\n       (?) To push, remove secret from commit(s) or follow this URL to allow the secret.")
        _say(f"       {policy['page']}/security/secret-scanning/unblock-secret/{placeholder}\n\n")
    return True


def refusal(policy: dict[str, Any], old: str, new: str, ref: str) -> str:
    """Return why the ref must not be changed ("" = it may be); say the rest to the person who pushes."""
    if new != ZERO and not policy["workflows"]:
        path = new_workflow(new)
        if path:
            noun = policy["noun"]
            permission = "`workflows` permission" if "App" in noun else "`workflow` scope"
            return f"refusing to allow {noun} to create or update workflow `{path}` without {permission}"
    if new != ZERO and policy["push_protection"] and exposed(policy, new, ref):
        return "push declined due to repository rule violations"
    return _against_rules(policy, old, new, ref)


def _against_rules(policy: dict[str, Any], old: str, new: str, ref: str) -> str:
    """Return why protections and rulesets refuse the change ("" = they do not)."""
    rules = [rule for rule in policy["rules"] if applies(rule, ref)]
    actions = actions_of(old, new) if rules else []
    found = [(rule, sentences) for rule in rules if (sentences := violations(rule, actions))]
    enforced = [(rule, sentences) for rule, sentences in found if not rule["bypass"]]
    if found and not enforced:
        _say(f"Bypassed rule violations for {ref}:\n")
        _say("\n".join(f"- {sentence}" for _, sentences in found for sentence in sentences) + "\n")
    protections = [sentence for rule, sentences in enforced if rule["code"] == "GH006" for sentence in sentences]
    if protections:
        _say(f"error: GH006: Protected branch update failed for {ref}.")
        _say("".join(f"\n- {sentence}\n" for sentence in protections).rstrip("\n"))
        return "protected branch hook declined"
    if enforced:
        quoted = ref.replace("/", "%2F")
        _say(f"error: GH013: Repository rule violations found for {ref}.")
        _say(f"Review all repository rules at {policy['rules_url']}?ref={quoted}\n")
        _say("\n".join(f"- {sentence}\n" for _, sentences in enforced for sentence in sentences))
        return "push declined due to repository rule violations"
    return ""


def _read_packets(stream: BinaryIO) -> list[bytes]:
    packets = []
    while (size := int(stream.read(4) or b"0000", 16)) > 4:
        packets.append(stream.read(size - 4).rstrip(b"\n"))
    return packets


def _write_packets(stream: BinaryIO, packets: Iterable[str]) -> None:
    for packet in packets:
        data = packet.encode("utf-8", "surrogateescape") + b"\n"
        stream.write(b"%04x" % (len(data) + 4) + data)
    stream.write(b"0000")
    stream.flush()


def proc_receive(policy: dict[str, Any], given: BinaryIO, answer: BinaryIO) -> int:
    """Speak git's proc-receive protocol: refuse refs by name, leave the others to git (option fall-through)."""
    version, _, capabilities = (_read_packets(given) or [b""])[0].partition(b"\0")
    if version != b"version=1":
        return 1
    wishes = capabilities.split()
    _write_packets(answer, ["version=1\0push-options" if b"push-options" in wishes else "version=1"])
    commands = [packet.decode("utf-8", "surrogateescape").split(" ", 2) for packet in _read_packets(given)]
    if b"push-options" in wishes:
        _read_packets(given)
    refused = {ref: why for old, new, ref in commands if (why := refusal(policy, old, new, ref))}
    report = []
    for _, _, ref in commands:
        if ref in refused:
            report.append(f"ng {ref} {refused[ref]}")
        elif refused and b"atomic" in wishes:
            report.append(f"ng {ref} atomic transaction failed")
        else:
            report += [f"ok {ref}", "option fall-through"]
    _write_packets(answer, report)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "pre-receive":
        sys.exit(pre_receive(sys.stdin))
    sys.exit(proc_receive(json.loads(os.environ["STANDIN_POLICY"]), sys.stdin.buffer, sys.stdout.buffer))
