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


def escape(text: object) -> str:
    """Any text -> LaTeX that prints it."""
    return "".join(SPECIAL.get(character, character) for character in printable(text))


def table(caption: str, groups: Sequence[tuple[str, int]], header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Groups of columns (title, width), a header and rows of ready LaTeX cells -> a booktabs table."""
    columns = "l" + "r" * (len(header) - 1)
    spans, start = [], 2
    rules = []
    for title, width in groups:
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(title)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & " + " & ".join(spans) + r" \\",
        " ".join(rules),
        " & ".join(escape(cell) for cell in header) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
