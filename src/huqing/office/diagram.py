"""Drawing what depends on what: nodes in layers from left to right, long lines routed between the boxes.

A layered layout in the manner of Sugiyama: layers by longest way from the first node, order within a layer by the
median of the neighbours, heights by pulling every box towards its neighbours. The result is plain numbers; a template
turns them into SVG, so the drawing needs no script and no inline style.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

BOX_WIDTH, BOX_HEIGHT = 152, 46
LAYER_GAP, ROW_GAP = 40, 12
MARGIN = 8
LINE_UNITS, NOTE_UNITS = 20, 24  # so many half-width characters fit a line of a box
SWEEPS, PULLS = 12, 30


@dataclass(frozen=True)
class Item:
    """One thing to draw: a key, a title of any length, a kind (its CSS class) and a note for its second line."""

    key: str
    title: str
    kind: str
    note: str = ""


@dataclass(frozen=True)
class Box:
    """A drawn item: top left corner, and its title cut into lines that fit."""

    item: Item
    x: int
    y: int
    lines: tuple[tuple[int, str], ...]
    note: str
    note_y: int

    @property
    def middle(self) -> int:
        """The horizontal middle of the box."""
        return self.x + BOX_WIDTH // 2


@dataclass(frozen=True)
class Diagram:
    """Boxes and lines (SVG paths) with the size of the whole drawing in pixels."""

    boxes: list[Box]
    lines: list[str]
    width: int
    height: int
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT


@dataclass
class _Layered:
    """The graph with a place for every node; a line over several layers passes through a narrow stand-in in each."""

    layers: list[list[str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    stand_ins: set[str] = field(default_factory=set)

    def neighbours(self, *, left: bool) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for first, second in self.links:
            here, there = (second, first) if left else (first, second)
            found.setdefault(here, []).append(there)
        return found


def draw(items: Sequence[Item], needs: Mapping[str, Iterable[str]]) -> Diagram:
    """Arrange ``items``; ``needs`` says from which others each is made. What nobody needs stands leftmost.

    Raises ValueError when the items depend on each other in a circle.
    """
    known = {item.key: item for item in items}
    graph = {key: [other for other in dict.fromkeys(needs.get(key, ())) if other in known] for key in known}
    layered = _in_layers(graph)
    _order(layered)
    heights = _heights(layered)
    return _boxes_and_lines(known, layered, heights)


def _in_layers(graph: Mapping[str, Sequence[str]]) -> _Layered:
    depth = dict.fromkeys(graph, 0)
    for _ in range(len(graph) + 1):
        changed = False
        for key, needed in graph.items():
            for other in needed:
                if depth[other] <= depth[key]:
                    depth[other], changed = depth[key] + 1, True
        if not changed:
            break
    else:
        raise ValueError("the items depend on each other in a circle")
    result = _Layered([[] for _ in range(max(depth.values(), default=0) + 1)])
    for key in graph:
        result.layers[depth[key]].append(key)
    for key, needed in graph.items():
        for other in needed:
            before = key
            for layer in range(depth[key] + 1, depth[other]):
                # Lines to the same box share their way as far as they can.
                stand_in = f"→{other}@{layer}"
                if stand_in not in result.stand_ins:
                    result.stand_ins.add(stand_in)
                    result.layers[layer].append(stand_in)
                result.links.append((before, stand_in))
                before = stand_in
            result.links.append((before, other))
    result.links = list(dict.fromkeys(result.links))
    return result


def _order(layered: _Layered) -> None:
    """Sort every layer by the median place of its neighbours, to and fro, and keep the order with fewest crossings."""
    left, right = layered.neighbours(left=True), layered.neighbours(left=False)
    best, fewest = [list(layer) for layer in layered.layers], _crossings(layered)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        numbers = range(1, len(layered.layers)) if forward else range(len(layered.layers) - 2, -1, -1)
        for number in numbers:
            beside = layered.layers[number - 1 if forward else number + 1]
            place = {key: position for position, key in enumerate(beside)}
            near = left if forward else right
            layer = layered.layers[number]
            own = {key: position for position, key in enumerate(layer)}

            def rank(
                key: str, near: dict[str, list[str]] = near, place: dict[str, int] = place, own: dict[str, int] = own
            ) -> tuple[float, int]:
                return (median(place[other] for other in near[key]) if near.get(key) else own[key], own[key])

            layer.sort(key=rank)
        crossings = _crossings(layered)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layered.layers], crossings
    layered.layers = best


def _crossings(layered: _Layered) -> int:
    place = {key: position for layer in layered.layers for position, key in enumerate(layer)}
    depth = {key: number for number, layer in enumerate(layered.layers) for key in layer}
    count = 0
    for number in range(len(layered.layers) - 1):
        ends = [(place[a], place[b]) for a, b in layered.links if depth[a] == number]
        count += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[:i])
    return count


def _heights(layered: _Layered) -> dict[str, float]:
    """The middle of every box: drawn to the mean of its neighbours without leaving its place in the order."""
    around: dict[str, list[str]] = {}
    for first, second in layered.links:
        around.setdefault(first, []).append(second)
        around.setdefault(second, []).append(first)
    sizes = {key: 8 if key in layered.stand_ins else BOX_HEIGHT for layer in layered.layers for key in layer}
    heights: dict[str, float] = {}
    for layer in layered.layers:
        top = 0.0
        for key in layer:
            heights[key] = top + sizes[key] / 2
            top += sizes[key] + ROW_GAP
    for pull in range(PULLS):
        for layer in layered.layers if pull % 2 == 0 else reversed(layered.layers):
            wanted = [
                sum(heights[other] for other in around[key]) / len(around[key]) if key in around else heights[key]
                for key in layer
            ]
            heights.update(zip(layer, _spread(wanted, [sizes[key] for key in layer]), strict=True))
    highest = min((heights[key] - sizes[key] / 2 for key in heights), default=0)
    return {key: value - highest + MARGIN for key, value in heights.items()}


def _spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Places in order, as near to the wanted ones as boxes that do not overlap can be (pooled where they would)."""
    pools: list[tuple[float, int]] = []  # mean of (wanted place − space taken so far), number of boxes
    offsets, taken = [], 0.0
    for place, size in zip(wanted, sizes, strict=True):
        offsets.append(taken + size / 2)
        mean, count = place - offsets[-1], 1
        while pools and pools[-1][0] > mean:
            earlier, number = pools.pop()
            mean, count = (earlier * number + mean * count) / (number + count), number + count
        pools.append((mean, count))
        taken += size + ROW_GAP
    starts = [mean for mean, count in pools for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


def _boxes_and_lines(known: Mapping[str, Item], layered: _Layered, heights: Mapping[str, float]) -> Diagram:
    lefts = [MARGIN + number * (BOX_WIDTH + LAYER_GAP) for number in range(len(layered.layers))]
    depth = {key: number for number, layer in enumerate(layered.layers) for key in layer}
    boxes = []
    for number, layer in enumerate(layered.layers):
        for key in layer:
            if key in known:
                boxes.append(_box(known[key], lefts[number], round(heights[key] - BOX_HEIGHT / 2)))
    lines = []
    for first, second in layered.links:
        start = lefts[depth[first]] + BOX_WIDTH
        end, half = lefts[depth[second]], LAYER_GAP // 2
        y1, y2 = round(heights[first]), round(heights[second])
        path = f"M{start} {y1}C{start + half} {y1} {end - half} {y2} {end} {y2}"
        # A stand-in is a point on the way: the line runs on straight through its layer.
        lines.append(f"{path}H{end + BOX_WIDTH}" if second in layered.stand_ins else path)
    width = lefts[-1] + BOX_WIDTH + MARGIN if lefts else 0
    height = max((box.y + BOX_HEIGHT for box in boxes), default=0) + MARGIN
    return Diagram(boxes, lines, width, height)


def _box(item: Item, x: int, y: int) -> Box:
    lines = wrapped(item.title)
    if len(lines) > 1:
        return Box(item, x, y, tuple((y + 20 + 17 * number, line) for number, line in enumerate(lines)), "", 0)
    if not item.note:
        return Box(item, x, y, ((y + 28, lines[0]),), "", 0)
    return Box(item, x, y, ((y + 20, lines[0]),), wrapped(item.note, lines=1, units=NOTE_UNITS)[0], y + 37)


def wrapped(text: str, *, lines: int = 2, units: int = LINE_UNITS) -> list[str]:
    """The text in lines of so many half-width characters; what does not fit in ends in "…"."""
    found, rest = [], text
    while rest and len(found) < lines:
        taken, used = 0, 0
        for letter in rest:
            used += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            if used > units:
                break
            taken += 1
        found.append(rest[:taken])
        rest = rest[taken:]
    if rest:
        found[-1] = f"{found[-1][:-1]}…"
    return found
