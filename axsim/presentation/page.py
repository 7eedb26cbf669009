"""A self-contained HTML page: what all reports share. It loads nothing from anywhere."""

import html
from collections.abc import Iterable

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1240px; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .25rem .45rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 2px solid #888; vertical-align: bottom; }
.wide { overflow-x: auto; } td.reason { white-space: normal; text-align: left; min-width: 16rem; }
.off { background: #fff1d6; } .row, .maps { display: flex; flex-wrap: wrap; gap: 1.1rem; }
figure { margin: 0; } figcaption { font-size: 13px; max-width: 290px; } .note { color: #555; font-size: 13px; }
"""


def page(title: str, sections: Iterable[str], first_line: str | None = None) -> str:
    """Return the page of these sections, HTML; the title is escaped here. `first_line` stands above all else."""
    return "\n".join(
        [
            *([] if first_line is None else [first_line]),
            "<!doctype html>",
            "<html lang='en'><head><meta charset='utf-8'>",
            f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>",
            *sections,
            "</body></html>",
            "",
        ]
    )


def wide_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Table of already escaped cells, that scrolls where it is wider than the page; a cell may bring its <td ...>."""
    cells = ("".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    header = "".join(f"<th>{name}</th>" for name in head)
    return f"<div class='wide'><table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>"


def wide_text_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Table of plain texts, which are escaped here."""
    return wide_table(map(html.escape, head), (map(html.escape, row) for row in rows))
