"""Markdown as GitHub shows it, as far as this product writes it: CommonMark, tables, and `<details>`.

Any other HTML is shown as text; comments are not shown. Links to scripts are left out by markdown-it's own rules, and
images are shown by their text.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_KNOWN = re.compile(r"(</?(?:details|summary)>)")
_LEAST_HEADING = 3  # a text's own headings come below those of the page


def rendered(text: str) -> Markup:
    """Return a text as a part of a page."""
    return Markup(_PARSER.render(text))  # noqa: S704 (the parser escapes all but the elements that it makes)


class _Renderer(RendererHTML):
    def html_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return _without_html(tokens[idx].content)

    def html_inline(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return _without_html(tokens[idx].content)

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return str(Markup('<pre tabindex="0" role="region" aria-label="Code">{}</pre>').format(tokens[idx].content))

    def code_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return self.fence(tokens, idx)

    def image(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return str(escape(tokens[idx].content))

    def heading_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f"<{_lower(tokens[idx].tag)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f"</{_lower(tokens[idx].tag)}>"


def _without_html(content: str) -> str:
    parts = _KNOWN.split(_COMMENT.sub("", content))
    return "".join(part if _KNOWN.fullmatch(part) else str(escape(part)) for part in parts)


def _lower(heading: str) -> str:
    return f"h{max(_LEAST_HEADING, int(heading[1:]))}"


def _parser() -> MarkdownIt:
    options: MutableMapping[str, Any] = {"html": True, "linkify": False}
    return MarkdownIt("gfm-like", options, renderer_cls=_Renderer)


_PARSER = _parser()
