"""Whether a reader sees the text of an element, told by its attributes and its own style.

What classes and style sheets hide is not known here. `aria-hidden` hides nothing from the eye.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

ATTRIBUTES = frozenset(("style", "hidden", "color", "bgcolor"))
"""Those that tell it."""
SMALLEST_PX = 2.0
"""Size of letters below which nobody reads them."""
FARTHEST_PX = 400.0
"""How far to the left or above its place a text is still on the page; ten times as far else."""
LEAST_OPACITY = 0.05
SAME_COLOUR = 24
"""By how much red, green and blue (0 to 255) may differ where letters do not stand out."""

Rgb = tuple[float, ...]
_WHITE: Rgb = (255, 255, 255)
_CLEAR: Rgb = (-1, -1, -1)
_NEARLY_WHITE = """
white snow ivory ghostwhite whitesmoke mintcream floralwhite azure aliceblue seashell honeydew
lavenderblush
"""
_NAMED: dict[str, Rgb] = {
    **dict.fromkeys(_NEARLY_WHITE.split(), _WHITE),
    "black": (0, 0, 0),
    "transparent": _CLEAR,
    "none": _CLEAR,
}
_INHERITED = frozenset(("", "inherit", "unset", "currentcolor"))
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_PART = re.compile(r"\w+\([^)]*\)|\S+")
_HEX = re.compile(r"#?(?:[\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(%?)")
_LENGTH = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([a-z]*|%)")
_PX = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 37.8, "mm": 3.78, "rem": 16.0}
_OTHER_UNIT_PX = 8.0
_OFFSETS = (
    ("left", "margin-left", "padding-left", "text-indent"),
    ("top", "margin-top", "padding-top"),
    ("right",),
    ("bottom",),
)
"""What moves a text one way; an indent hangs into a margin and adds up to nothing."""


class Look(NamedTuple):
    """How the text of an element is shown."""

    is_left_out: bool = False
    """Neither it nor what stands in it is shown, whatever that says of itself."""
    is_visible: bool = True
    size_px: float = 16.0
    colour: Rgb | None = None
    """Of its letters; None where nothing tells, as for the background."""
    background: Rgb | None = _WHITE

    @property
    def is_seen(self) -> bool:
        """Whether a reader sees its text.

        >>> SHOWN.within({"style": "font-size:0.9em"}).is_seen
        True
        >>> SHOWN.within({"style": "font-size:0"}).is_seen
        False
        """
        if self.is_left_out or not self.is_visible or self.size_px < SMALLEST_PX:
            return False
        if self.colour is None or self.colour == _CLEAR:
            return self.colour is None
        if self.background is None:
            return True
        apart = zip(self.colour, self.background, strict=True)
        return max(abs(one - other) for one, other in apart) > SAME_COLOUR

    def within(self, attributes: Mapping[str, str]) -> Look:
        """The look of an element with these attributes that stands in one of this look."""
        if ATTRIBUTES.isdisjoint(attributes):
            return self
        style = _declared(attributes.get("style", ""))
        colour = style.get("color", attributes.get("color", "").strip().lower())
        behind = style.get("background-color", style.get("background", ""))
        behind = behind or attributes.get("bgcolor", "").strip().lower()
        background = self.background if behind in _INHERITED else _rgb(behind)
        size = _px(style.get("font-size", ""), em=self.size_px, percent=self.size_px / 100)
        visibility = style.get("visibility", "")
        return Look(
            self.is_left_out or _is_left_out(style, is_hidden="hidden" in attributes),
            visibility == "visible"
            or (self.is_visible and visibility not in ("hidden", "collapse")),
            self.size_px if size is None else size,
            self.colour if colour in _INHERITED else _rgb(colour),
            self.background if background == _CLEAR else background,
        )


SHOWN = Look()


def _declared(style: str) -> dict[str, str]:
    """What a style declares, by property, in small letters."""
    parts = (part.partition(":") for part in _COMMENT.sub(" ", style.lower()).split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in parts}


def _is_left_out(style: Mapping[str, str], *, is_hidden: bool) -> bool:
    """Whether an element is not displayed, see-through, off the page or clipped to nothing."""
    if style.get("display", "none" if is_hidden else "") == "none":
        return True
    opacity = _px(style.get("opacity", ""), percent=0.01)
    if opacity is not None and opacity < LEAST_OPACITY:
        return True
    for names in _OFFSETS:
        away = sum(_px(style.get(name, ""), percent=8.0) or 0.0 for name in names)
        if not -FARTHEST_PX <= away <= 10 * FARTHEST_PX:
            return True
    return _is_clipped(style)


def _is_clipped(style: Mapping[str, str]) -> bool:
    """Whether what is left of an element is no larger than a dot."""
    if style.get("overflow") in ("hidden", "clip"):
        sides = ("width", "height", "max-width", "max-height")
        sizes = [_px(style.get(side, "")) for side in sides]
        if any(size is not None and size <= 1 for size in sizes):
            return True
    edges = _AMOUNT.findall(style.get("clip", ""))
    if edges and all(float(edge) <= 1 for edge, _ in edges):
        return True
    return style.get("clip-path", "").startswith(("inset(50%", "inset(100%", "circle(0"))


def _px(value: str, *, em: float = 16.0, percent: float = 8.0) -> float | None:
    """A length in pixels; None for words and sums."""
    found = _LENGTH.fullmatch(value)
    if found is None:
        return None
    units = {**_PX, "em": em, "ex": em / 2, "ch": em / 2, "%": percent}
    return float(found[1]) * units.get(found[2], _OTHER_UNIT_PX)


def _rgb(value: str) -> Rgb | None:
    """Red, green and blue of a colour or of a background that names one; None where unknown."""
    if "url(" in value or "gradient(" in value:
        return None
    parts = _PART.findall(value)
    known = [colour for part in parts if (colour := _colour(part)) is not None]
    solid = [colour for colour in known if colour != _CLEAR]
    if solid:
        return solid[0]
    return _CLEAR if known and len(known) == len(parts) else None


def _colour(part: str) -> Rgb | None:
    if part in _NAMED:
        return _NAMED[part]
    if part.startswith(("rgb(", "rgba(")):
        amounts = [
            float(amount) * (2.55 if percent else 1.0) for amount, percent in _AMOUNT.findall(part)
        ]
        is_clear = len(amounts) > 3 and amounts[3] < LEAST_OPACITY
        return _CLEAR if is_clear else tuple(amounts[:3]) if len(amounts) > 2 else None
    if _HEX.fullmatch(part):
        digits = part.removeprefix("#")
        if len(digits) < 6:
            digits = "".join(digit * 2 for digit in digits)
        rgb = tuple(float(int(digits[place : place + 2], 16)) for place in (0, 2, 4))
        return _CLEAR if digits[6:] == "00" else rgb
    return None
