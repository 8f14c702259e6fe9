"""The cells of a file are put together by hand, so nothing of a file may come through them unescaped."""

from __future__ import annotations

import re

from django.utils.safestring import mark_safe

from huqing.office.fact_cells import Cells, row_html
from huqing.office.household_file import Fact

MARKUP = "<b>&\"'"


def cells(**more) -> Cells:
    pencil, eye = mark_safe("<svg></svg>"), mark_safe("<svg></svg>")
    told = {"owner": "household-1", "address": "/field/household/1/", "can_edit": True, "can_show": True, **more}
    return Cells(pencil=pencil, eye=eye, **told)


def made_of(text: str, sealed: bool = False) -> Fact:
    return Fact(text, text, text, text, meaning=text, source=text, source_title=text, sealed=sealed)


def test_no_text_of_a_file_becomes_markup():
    for html in (
        cells().html([made_of(MARKUP), made_of(MARKUP, sealed=True)]),
        cells(note=MARKUP).html([made_of(MARKUP)]),
        cells(can_show=False).sealed(MARKUP, MARKUP, MARKUP),
        row_html([made_of(MARKUP)]),
    ):
        assert "&lt;b&gt;&amp;&quot;" in html
        assert "<b>" not in html
        assert re.sub(r"&(amp|lt|gt|quot|#x27);", "", html).count("&") == 0


def test_who_may_neither_edit_nor_show_gets_no_button():
    html = cells(can_edit=False, can_show=False).html([made_of("甲"), made_of("乙", sealed=True)])
    assert "<button" not in html
    assert "修改甲" in cells().html([made_of("甲")])
