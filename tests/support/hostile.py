"""Names that data and paths may have, and that a terminal, Markdown or a template could take for more than text."""

NAMES = (
    "[/vip]",
    "[bold]sale[/bold]",
    "\x1b[31mred\x1b[0m",
    "two\nlines\r",
    "pipe | and `ticks`",
    "<script>alert(1)</script>",
    "{{ jinja }} {% raw %} {braces} %s",
    "![image](x) [link](http://x)",
    "\u202egnp.exe",
    "bell\x07 nel\x85 line\u2028",
    ":smile: *stars* _under_ # head",
    "long" * 1250,
)
LONG = NAMES[-1]


def file_name(name: str) -> bytes:
    """The name of a file called so; what no file system takes is left out, and a byte that is no UTF-8 is added."""
    return name.replace("/", "÷").encode()[:80] + b"\xff.jsonl"
