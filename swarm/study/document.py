"""A document of headings, paragraphs, tables and figures, written as Markdown and as one HTML file."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_CSS = """
body { font: 15px/1.5 Georgia, serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222; }
h1, h2, h3 { font-family: Helvetica, Arial, sans-serif; line-height: 1.2; }
table { border-collapse: collapse; margin: 1em 0; font: 13px Helvetica, Arial, sans-serif; }
th { border-bottom: 1px solid #222; text-align: left; } caption { text-align: left; padding: .3em 0; }
td, th { padding: .2em .8em .2em 0; white-space: nowrap; } td.number { text-align: right; }
figure { margin: 1.5em 0; } img { max-width: 100%; } figcaption, caption { font-size: 13px; color: #444; }
pre { font-size: 12px; background: #f5f5f5; padding: 1em; overflow-x: auto; }
"""


@dataclass
class Document:
    """Its blocks in order; tables and figures are numbered."""

    title: str
    _blocks: list[tuple[str, str]] = field(default_factory=list)  # Markdown and HTML of each
    _tables: int = 0
    _figures: int = 0

    def heading(self, text: str, level: int = 2) -> None:
        """A heading."""
        self._add(f"{'#' * level} {text}", f"<h{level}>{_safe(text)}</h{level}>")

    def paragraph(self, text: str) -> None:
        """A paragraph of plain text."""
        self._add(_plain(text), f"<p>{_safe(text)}</p>")

    def points(self, texts: Sequence[str]) -> None:
        """A list."""
        items = "".join(f"<li>{_safe(text)}</li>" for text in texts)
        self._add("\n".join(f"- {_plain(text)}" for text in texts), f"<ul>{items}</ul>")

    def table(self, caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; nothing where it has no rows."""
        if not rows:
            return
        self._tables += 1
        caption = f"Table {self._tables}. {caption}"
        lines = [_row(header), _row(["---"] * len(header)), *map(_row, rows)]
        head = "".join(f"<th>{_safe(cell)}</th>" for cell in header)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
        self._add(
            f"{_plain(caption)}\n\n" + "\n".join(lines),
            f"<table><caption>{_safe(caption)}</caption><tr>{head}</tr>{body}</table>",
        )

    def figure(self, path: Path, folder: Path, caption: str) -> None:
        """A picture in a file below `folder`, where the document will be."""
        self._figures += 1
        caption = f"Figure {self._figures}. {caption}"
        data = base64.b64encode(path.read_bytes()).decode()
        image = f'<img alt="{_safe(caption)}" src="data:image/svg+xml;base64,{data}">'
        where = path.relative_to(folder).as_posix()
        self._add(
            f"![{_plain(caption)}]({where})\n\n{_plain(caption)}",
            f"<figure>{image}<figcaption>{_safe(caption)}</figcaption></figure>",
        )

    def code(self, text: str) -> None:
        """Text as it stands."""
        fence = "```"
        while fence in text:
            fence += "`"
        self._add(f"{fence}\n{text.rstrip()}\n{fence}", f"<pre>{html.escape(text.rstrip())}</pre>")

    def write(self, folder: Path) -> Path:
        """Write report.md and report.html into `folder`; the latter's path."""
        markdown = "\n\n".join([f"# {_plain(self.title)}", *(text for text, _ in self._blocks)])
        (folder / "report.md").write_text(markdown + "\n", encoding="utf-8")
        body = "\n".join([f"<h1>{_safe(self.title)}</h1>", *(text for _, text in self._blocks)])
        page = (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{_safe(self.title)}</title>'
            f"<style>{_CSS}</style></head>\n<body>\n{body}\n</body></html>\n"
        )
        path = folder / "report.html"
        path.write_text(page, encoding="utf-8")
        return path

    def _add(self, markdown: str, page: str) -> None:
        self._blocks.append((markdown, page))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _cell(text: str) -> str:
    kind = ' class="number"' if text[:1].isdigit() or text[:1] in "-<" else ""
    return f"<td{kind}>{_safe(text)}</td>"


def _safe(text: str) -> str:
    return html.escape(text, quote=True)


def _plain(text: str) -> str:
    """Text whose signs mean nothing to Markdown."""
    for sign in "\\*_<`":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")
