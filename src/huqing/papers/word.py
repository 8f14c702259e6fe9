"""Official letters as Word files: plain blocks in, a .docx out, laid out after GB/T 9704-2012.

A4, 37 mm at the top, 28 mm at the binding side, a text area of 156 × 225 mm; the title in 小标宋 of size 二号, the body
in 仿宋 of size 三号 with lines 28 points apart and two characters of indent, page numbers between dashes at the foot.
Fonts are named, not embedded; a computer without them takes its nearest ones.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

Place = Literal["body", "title", "heading", "right", "plain"]
FANGSONG, HEI, TITLE = "仿宋_GB2312", "黑体", "方正小标宋简体"
# (font, half-points, alignment, indent of the first line in hundredths of a character)
_LOOKS: dict[Place, tuple[str, int, str, int]] = {
    "body": (FANGSONG, 32, "both", 200),
    "title": (TITLE, 44, "center", 0),
    "heading": (HEI, 32, "both", 200),
    "right": (FANGSONG, 32, "right", 0),
    "plain": (FANGSONG, 32, "left", 0),
}
_TWIPS_PER_MM = 1440 / 25.4
_TABLE_SIZE = 24
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org"
_R = f'xmlns:r="{_OFFICE}/officeDocument/2006/relationships"'
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph and where it stands: title, heading, body, at the right, or without indent."""

    text: str
    place: Place = "body"


@dataclass(frozen=True)
class Table:
    """A table with its headings; ``widths`` in millimetres, 156 together."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int]


def letter(blocks: Iterable[Paragraph | Table]) -> bytes:
    """The letter as a .docx; the same blocks give the same bytes."""
    body = "".join(_paragraph(one) if isinstance(one, Paragraph) else _table(one) for one in blocks)
    parts = {
        "[Content_Types].xml": _types(),
        "_rels/.rels": _relations(("officeDocument", "word/document.xml")),
        "word/document.xml": f"{_HEAD}<w:document {_W} {_R}><w:body>{body}{_section()}</w:body></w:document>",
        "word/_rels/document.xml.rels": _relations(("footer", "footer1.xml")),
        "word/footer1.xml": f"{_HEAD}<w:ftr {_W}>{_page_number()}</w:ftr>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content.encode("utf-8"), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _mm(length: float) -> int:
    return round(length * _TWIPS_PER_MM)


def _run(text: str, font: str, size: int) -> str:
    fonts = f'<w:rFonts w:ascii="{font}" w:hAnsi="{font}" w:eastAsia="{font}"/>'
    words = escape(_FORBIDDEN.sub("", text))
    look = f'<w:rPr>{fonts}<w:sz w:val="{size}"/><w:szCs w:val="{size}"/></w:rPr>'
    return f'<w:r>{look}<w:t xml:space="preserve">{words}</w:t></w:r>'


def _paragraph(block: Paragraph) -> str:
    font, size, side, indent = _LOOKS[block.place]
    lines = 'w:line="560" w:lineRule="exact"' if block.place != "title" else 'w:after="560"'
    first = f'<w:ind w:firstLineChars="{indent}" w:firstLine="{indent * size // 20}"/>' if indent else ""
    look = f'<w:pPr><w:spacing {lines}/>{first}<w:jc w:val="{side}"/></w:pPr>'
    return f"<w:p>{look}{_run(block.text, font, size)}</w:p>"


def _table(block: Table) -> str:
    edges = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    grid = "".join(f'<w:gridCol w:w="{_mm(width)}"/>' for width in block.widths)
    rows = _row(block.titles, block.widths, HEI, head=True)
    rows += "".join(_row(row, block.widths, FANGSONG) for row in block.rows)
    look = (
        f'<w:tblPr><w:tblW w:w="{_mm(sum(block.widths))}" w:type="dxa"/><w:tblBorders>{edges}</w:tblBorders></w:tblPr>'
    )
    # Word joins a table with whatever follows at once; an empty paragraph keeps them apart.
    return f"<w:tbl>{look}<w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl><w:p/>"


def _row(cells: Sequence[str], widths: Sequence[int], font: str, *, head: bool = False) -> str:
    made = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{_mm(width)}" w:type="dxa"/></w:tcPr>'
        f"<w:p>{_run(text, font, _TABLE_SIZE)}</w:p></w:tc>"
        for text, width in zip(cells, widths, strict=True)
    )
    kept = "<w:cantSplit/><w:tblHeader/>" if head else "<w:cantSplit/>"
    return f"<w:tr><w:trPr>{kept}</w:trPr>{made}</w:tr>"


def _section() -> str:
    size = f'<w:pgSz w:w="{_mm(210)}" w:h="{_mm(297)}"/>'
    edges = f'w:top="{_mm(37)}" w:bottom="{_mm(35)}" w:left="{_mm(28)}" w:right="{_mm(26)}" w:footer="{_mm(28)}"'
    footer = '<w:footerReference w:type="default" r:id="rId1"/>'
    return f'<w:sectPr>{footer}{size}<w:pgMar {edges} w:header="851" w:gutter="0"/></w:sectPr>'


def _page_number() -> str:
    look = '<w:rPr><w:rFonts w:ascii="宋体" w:hAnsi="宋体" w:eastAsia="宋体"/><w:sz w:val="28"/></w:rPr>'
    field = '<w:fldSimple w:instr=" PAGE "><w:r>' + look + "<w:t>1</w:t></w:r></w:fldSimple>"
    dash = f'<w:r>{look}<w:t xml:space="preserve">— </w:t></w:r>'
    other = f'<w:r>{look}<w:t xml:space="preserve"> —</w:t></w:r>'
    return f'<w:p><w:pPr><w:jc w:val="center"/></w:pPr>{dash}{field}{other}</w:p>'


def _types() -> str:
    kinds = {"document": "/word/document.xml", "footer": "/word/footer1.xml"}
    parts = "".join(
        f'<Override PartName="{name}" '
        f'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}+xml"/>'
        for kind, name in (("document.main", kinds["document"]), ("footer", kinds["footer"]))
    )
    return (
        f'{_HEAD}<Types xmlns="{_OFFICE}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{parts}</Types>'
    )


def _relations(target: tuple[str, str]) -> str:
    kind, file = target
    link = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument/2006/relationships/{kind}" Target="{file}"/>'
    return f'{_HEAD}<Relationships xmlns="{_OFFICE}/package/2006/relationships">{link}</Relationships>'
