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


def escape(text: object) -> str:
    """Any text -> LaTeX source that prints it."""
    return "".join(SPECIAL.get(character, character) for character in printable(text))


def plain_table(
    caption: str, header: Sequence[str], body: Sequence[Sequence[object]], columns: str, groups: Groups = ()
) -> str:
    """Like `table`, with cells of any text, which is escaped."""
    return table(caption, groups, header, [[escape(cell) for cell in row] for row in body], columns)


def table(caption: str, groups: Groups, header: Sequence[str], body: Sequence[Sequence[str]], columns: str = "") -> str:
    """Column groups (title, width) after the first column, a header and rows of LaTeX cells -> a booktabs table.

    `columns`: the alignment of each column, l or r; by default the first l, the others r.
    """
    spans, start = [], 2
    rules = []
    for title, width in groups:
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(title)}}}")
        rules += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if title else []
        start += width
    above = [*([" & " + " & ".join(spans) + r" \\"] if groups else []), *([" ".join(rules)] if rules else [])]
    begin, end = [r"\begin{table}", r"\centering", rf"\caption{{{escape(caption)}}}"], [r"\end{table}"]
    inner = _tabular(columns or "l" + "r" * (len(header) - 1), header, body, above)
    return "\n".join([PACKAGE, *begin, *inner, *end]) + "\n"


def tabular(columns: str, header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """The same without caption, to be put into a table; `columns`: the alignment of each column, l or r."""
    return "\n".join([PACKAGE, *_tabular(columns, header, body)]) + "\n"


def _tabular(
    columns: str, header: Sequence[str], body: Sequence[Sequence[str]], above: Sequence[str] = ()
) -> list[str]:
    return [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *above,
        " & ".join(map(escape, header)) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]
