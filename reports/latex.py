"""Tables in LaTeX (booktabs)."""

from collections.abc import Sequence

from reports.formatting import MINUS, MISSING, printable

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    MINUS: "$-$",
    MISSING: "--",
}

PACKAGE = r"% needs \usepackage{booktabs}"
Groups = Sequence[tuple[str, int]]


class Source(str):
    """LaTeX source: `escape` leaves it as it is."""


def escape(text: object) -> str:
    """Any text -> LaTeX source that prints it."""
    if isinstance(text, Source):
        return text
    return "".join(SPECIAL.get(character, character) for character in printable(text))


def plain_table(
    caption: str, header: Sequence[str], body: Sequence[Sequence[object]], columns: str, groups: Groups = ()
) -> str:
    """Like `table`, with cells of any text, which is escaped."""
    return table(caption, groups, header, [[escape(cell) for cell in row] for row in body], columns)


def table(
    caption: str,
    groups: Groups,
    header: Sequence[str],
    body: Sequence[Sequence[str] | str],
    columns: str = "",
    label: str = "",
) -> str:
    """Column groups (title, width) after the first columns, a header and rows of LaTeX cells -> a booktabs table.

    body     rows of cells; a text instead of a row is a line of its own, such as a rule
    columns  the alignment of each column, l or r; by default the first l, the others r
    label    for references to the table
    """
    spans, start = [], 1 + len(header) - sum(width for _, width in groups)
    first = " & " * (start - 1)
    rules = []
    for title, width in groups:
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(title)}}}")
        rules += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if title else []
        start += width
    above = [*([first + " & ".join(spans) + r" \\"] if groups else []), *([" ".join(rules)] if rules else [])]
    begin, end = [r"\begin{table}", r"\centering", rf"\caption{{{escape(caption)}}}"], [r"\end{table}"]
    begin += [rf"\label{{{label}}}"] if label else []
    inner = _tabular(columns or "l" + "r" * (len(header) - 1), header, body, above)
    return "\n".join([PACKAGE, *begin, *inner, *end]) + "\n"


def tabular(columns: str, header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """The same without caption, to be put into a table; `columns`: the alignment of each column, l or r."""
    return "\n".join([PACKAGE, *_tabular(columns, header, body)]) + "\n"


def _tabular(
    columns: str, header: Sequence[str], body: Sequence[Sequence[str] | str], above: Sequence[str] = ()
) -> list[str]:
    return [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *above,
        " & ".join(map(escape, header)) + r" \\",
        r"\midrule",
        *(row if isinstance(row, str) else " & ".join(row) + r" \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]
