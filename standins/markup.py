"""Pages for people: one frame, and the few elements that both stand-ins' pages have. What is shown is escaped.

Rendered here, without a script; the order of the elements is that of the keyboard. Each page has one heading of the
first level, landmarks, a link that skips to its content, and tables with captions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

SAFE = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
}
_STYLE = Markup(
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:0 1rem 3rem;color:#1f2328;"
    "background:#fff}a{color:#0550ae}a:focus-visible,summary:focus-visible,pre:focus-visible{outline:3px solid #0550ae;"
    "outline-offset:2px}.skip{position:absolute;left:-99rem}.skip:focus{position:static}"
    "table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.5rem 0}"
    "td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #d1d9e0;"
    "overflow-wrap:anywhere}pre{background:#f6f8fa;padding:1rem;overflow:auto}"
    "blockquote{border-left:.25rem solid #d1d9e0;margin-left:0;padding-left:1rem}"
    "nav ul{display:flex;flex-wrap:wrap;gap:1rem;list-style:none;padding:0}"
    ".tag{border:1px solid #59636e;border-radius:1em;padding:0 .6em;font-size:.9em;margin-left:.4em}"
    ".bad{color:#a40e26;font-weight:600}"
)
NOTHING = Markup("")


def page(title: str, body: Markup, links: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return a whole page; `links` are those of its navigation, address and text."""
    items = joined(Markup("<li>{}</li>").format(link(*each)) for each in links)
    navigation = Markup('<nav aria-label="Pages"><ul>{}</ul></nav>').format(items) if items else NOTHING
    text = Markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width,initial-scale=1"><title>{title}</title><style>{style}</style></head>'
        '<body><a class="skip" href="#content">Skip to the content</a><header>{navigation}</header>'
        '<main id="content"><h1>{title}</h1>{body}</main></body></html>'
    ).format(title=shown(title), style=_STYLE, navigation=navigation, body=body)
    return text.encode("utf-8", "replace")


def shown(text: str) -> str:
    """Return a text that may hold bytes of no encoding, such as a path of git's, as it can be shown."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def joined(parts: Iterable[Markup]) -> Markup:
    """Return several elements as one."""
    return NOTHING.join(parts)


def link(address: str, text: str) -> Markup:
    """Return a link."""
    return Markup('<a href="{}">{}</a>').format(address, shown(text))


def tag(text: str) -> Markup:
    """Return a short word in a frame."""
    return Markup(' <span class="tag">{}</span>').format(text)


def paragraph(*parts: str | Markup) -> Markup:
    """Return a paragraph."""
    return Markup("<p>{}</p>").format(joined(escape(part) for part in parts))


def section(title: str, *parts: Markup) -> Markup:
    """Return a heading of the second level, and what is below it."""
    return Markup("<h2>{}</h2>{}").format(shown(title), joined(parts))


def listed(items: Iterable[Markup], otherwise: str) -> Markup:
    """Return a list, or a sentence where nothing is in it."""
    found = joined(Markup("<li>{}</li>").format(item) for item in items)
    return Markup("<ul>{}</ul>").format(found) if found else paragraph(otherwise)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str | Markup]], otherwise: str) -> Markup:
    """Return a table whose first column names the row, or a sentence where it has none."""
    lines = joined(_row(cells) for cells in rows)
    if not lines:
        return paragraph(otherwise)
    columns = joined(Markup('<th scope="col">{}</th>').format(head) for head in heads)
    return Markup("<table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(
        caption, columns, lines
    )


def _row(cells: Sequence[str | Markup]) -> Markup:
    first, *others = (cell if isinstance(cell, Markup) else escape(shown(cell)) for cell in cells)
    columns = joined(Markup("<td>{}</td>").format(cell) for cell in others)
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(first, columns)


def text_block(text: str, name: str) -> Markup:
    """Return a text as it is; it can be scrolled by the keyboard, too. `name` tells what it is."""
    return Markup('<pre tabindex="0" role="region" aria-label="{}">{}</pre>').format(name, text)


def folded(title: str, *parts: Markup) -> Markup:
    """Return what is shown when it is asked for."""
    return Markup("<details><summary>{}</summary>{}</details>").format(title, joined(parts))
