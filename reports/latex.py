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
    columns = columns or "l" + "r" * (len(header) - 1)
    spans, start = [], 2
    rules = []
    for title, width in groups:
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(title)}}}")
        rules += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if title else []
        start += width
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *([" & " + " & ".join(spans) + r" \\"] if groups else []),
        *([" ".join(rules)] if rules else []),
        " & ".join(escape(cell) for cell in header) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
