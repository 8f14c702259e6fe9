"""What a person sees of a page: its visible text, labels and hints."""

from __future__ import annotations

import re
from html.parser import HTMLParser

SPOKEN = {"aria-label", "title", "placeholder", "alt", "data-label", "data-confirm", "data-confirm-label"}
UNSEEN = {"script", "style", "svg", "template"}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self.hidden += 1
        self.words += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self.hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self.hidden and data.strip():
            self.words.append(data.strip())


def text_of(response) -> str:
    """The text of a response as one line."""
    reader = Reader()
    reader.feed(response.content.decode())
    return re.sub(r"\s+", " ", " ".join(reader.words))
