"""GitHub's refusals in all their spellings: limits, each cause of a 403, and what is said of a push for good.

The words are those of GitHub's documentation, of its users' reports and of the tests of client libraries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from standins.github.messages import ApiError, Request, Response

_SSO = "https://github.com/orgs/acme/sso?authorization_request=AAAA1111"
_UNBLOCK = "https://github.com/acme/work/security/secret-scanning/unblock-secret/2hAbCdEf"
_NOTICE = "https://github.com/github/dmca/blob/master/2026/01/2026-01-02-acme.md"
_LIMIT_PAGE = (
    "<html><head><title>Oh no</title></head><body><h1>Whoa there!</h1>"
    "<p>You have exceeded a secondary rate limit.</p></body></html>"
)
_ABUSE = "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again."
_ALLOW_LIST = (
    "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list "
    "enabled, and your IP address is not permitted to access this resource."
)
_LIFETIME = (
    "The 'acme' organization forbids access via a fine-grained personal access tokens if the token's lifetime is "
    "greater than 366 days. Please adjust your token's lifetime."
)
_CLASSIC = (
    "`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal "
    "access token with fine-grained permissions."
)
_RE_AUTHORIZE = (
    "The 'acme' organization has enabled or enforced SAML SSO.\n"
    f"To access this repository, you must re-authorize the token: visit {_SSO} and try your request again."
)

_PRIVATE = "Visibility can't be private. Please upgrade your subscription to create a new private repository."


@dataclass(frozen=True)
class Answer:
    """One refusal: on REST a JSON document or a page, to Git a text ("" = the same words)."""

    status: int
    message: str
    git: str = ""
    errors: list[Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def response(self, kind: str) -> Response:
        """Return the answer for REST or for Git, which knows no 422."""
        if self.page:
            return Response(self.status, self.page.encode(), {"content-type": "text/html; charset=utf-8"})
        if kind == "git":
            return Response.text(403 if self.status == 422 else self.status, self.git or self.message)
        return ApiError(self.status, self.message, self.errors, headers=self.headers, extra=dict(self.extra)).response()


LIMITS: Mapping[str, Answer] = {
    "limit-abuse": Answer(403, _ABUSE),
    "limit-primary": Answer(403, "API rate limit exceeded for installation ID 7."),
    "limit-primary-429": Answer(429, "API rate limit exceeded for user ID 7."),
    "limit-secondary-bare": Answer(403, "You have exceeded a secondary rate limit."),
    "limit-429-bare": Answer(429, "Slow down"),
    "limit-throttled": Answer(403, "This endpoint is temporarily being throttled. Please try again later."),
    "limit-page": Answer(403, "", page=_LIMIT_PAGE),
    "limit-page-429": Answer(429, "", page=_LIMIT_PAGE),
    "limit-422-code": Answer(422, "Validation Failed", _ABUSE, [{"resource": "Repository", "code": "abuse"}]),
    "limit-422-quickly": Answer(
        422, "Validation Failed", _ABUSE, [{"code": "custom", "message": "was submitted too quickly"}]
    ),
}
DENIALS: Mapping[str, Answer] = {
    "saml": Answer(
        403,
        "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this "
        "organization.",
        git=_RE_AUTHORIZE,
        headers={"x-github-sso": f"required; url={_SSO}"},
    ),
    "saml-text": Answer(  # what a token gets that was never authorized, and an older Enterprise Server's
        403,
        "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this "
        "organization.",
        git=f"The 'acme' organization has enabled or enforced SAML SSO. Visit {_SSO} and try your request again.",
    ),
    "ip-allow-list": Answer(403, _ALLOW_LIST),
    "token-lifetime": Answer(403, _LIFETIME),
    "token-classic": Answer(403, _CLASSIC),
    "suspended": Answer(
        403,
        "This installation has been suspended",
        "Your account is suspended. Please visit https://support.github.com for more information.",
    ),
    "blocked": Answer(
        403,
        "Repository access blocked",
        "Access to this repository has been disabled by GitHub staff: repository access blocked.",
    ),
    "blocked-by-law": Answer(
        451,
        "Repository access blocked",
        "Repository unavailable due to DMCA takedown.",
        extra={"block": {"reason": "dmca", "created_at": "2026-01-02T03:04:05Z", "html_url": _NOTICE}},
    ),
    "locked": Answer(403, "Repository has been locked for migration."),
    "plan": Answer(403, "Upgrade to GitHub Pro or make this repository public to enable this feature."),
    "plan-private": Answer(
        422,
        "Repository creation failed.",
        git="Please upgrade your subscription.",
        errors=[{"resource": "Repository", "code": "custom", "field": "visibility", "message": _PRIVATE}],
    ),
    "proxy": Answer(403, "", page="<html><body><h1>The gateway does not know this site.</h1></body></html>"),
}
# What passes, in words that name no limit; 409: a change met another one.
LATER: Mapping[str, Answer] = {
    "later": Answer(403, "Something went wrong while preparing the repository. Please try again later."),
    "later-409": Answer(409, "The operation could not be completed. Please try again in a few minutes."),
    "later-422": Answer(422, "Validation Failed", "This is temporarily unavailable.", ["temporarily unavailable"]),
}
COLLISIONS: Mapping[str, Answer] = {"collision": Answer(409, "Conflict")}
ANSWERS: Mapping[str, Answer] = {**LIMITS, **DENIALS, **LATER, **COLLISIONS}

_PROTECTION = f"""error: GH013: Repository rule violations found for refs/heads/main.

- GITHUB PUSH PROTECTION
  \u2014\u2014\u2014\u2014\u2014\u2014\u2014\u2014\u2014\u2014
    Resolve the following violations before pushing again

    - Push cannot contain secrets

     (?) Learn how to resolve a blocked push
     https://docs.github.com/code-security/secret-scanning

      \u2014\u2014 Amazon AWS Access Key ID \u2014\u2014\u2014\u2014\u2014\u2014
       locations:
         - commit: 8728dbe67
           path: config/settings.py:4

       (?) To push, remove secret from commit(s) or follow this URL to allow the secret.
       {_UNBLOCK}
"""


@dataclass(frozen=True)
class PushAnswer:
    """What receive-pack reports: its words to the person, its line `unpack`, and why each ref does not move."""

    reason: str
    words: str = ""
    unpack: str = "ok"


PUSHES: Mapping[str, PushAnswer] = {
    "push-protection": PushAnswer("push declined due to repository rule violations", _PROTECTION),
    "push-secrets-old": PushAnswer("pre-receive hook declined", "error: GH009: Secrets detected! This push failed.\n"),
    "push-integration": PushAnswer("refusing to allow an integration to create or update .github/workflows/build.yml"),
    "push-fsck": PushAnswer("unpacker error", "fatal: fsck error in packed object\n", "index-pack abnormal exit"),
    "push-too-large": PushAnswer(
        "unpacker error", "fatal: pack exceeds maximum allowed size (2.00 GiB)\n", "index-pack abnormal exit"
    ),
    "push-shallow": PushAnswer("shallow update not allowed"),
}


def push(name: str, request: Request) -> Response:
    """Return the report of a push that is refused for good; nothing moves."""
    told = PUSHES[name]
    report = [f"unpack {told.unpack}", *(f"ng {ref} {told.reason}" for ref in _refs(request))]
    inner = b"".join(_packet(f"{line}\n".encode()) for line in report) + b"0000"
    words = b"".join(_packet(b"\2" + f"{line}\n".encode()) for line in told.words.splitlines())
    body = words + _packet(b"\1" + inner) + b"0000"
    return Response(200, body, {"content-type": "application/x-git-receive-pack-result"})


def _refs(request: Request) -> list[str]:
    """Return the refs that a push names."""
    request.body.seek(0)
    refs = []
    while (size := int(request.body.read(4) or b"0000", 16)) > 4:
        command = request.body.read(size - 4).partition(b"\0")[0].decode("utf-8", "replace").split()
        refs.append(command[2])
    return refs


def _packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data
