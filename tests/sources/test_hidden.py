"""What a reader would not see is told from what only looks unusual."""

from __future__ import annotations

import pytest

from cauce.sources.hidden import SHOWN


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "DISPLAY : None !important",
        "display:/* */none",
        "visibility:hidden",
        "opacity:0",
        "opacity:.01",
        "font-size:0",
        "font-size:0px",
        "font-size:1px",
        "font-size:5%",
        "color:white",
        "color:#FFF",
        "color:#fefefe",
        "color:ivory",
        "color:rgb(255, 255, 255)",
        "color:rgba(0,0,0,0)",
        "color:transparent",
        "color:#00000000",
        "color:#003366;background:#003366",
        "color:white;background:white none",
        "position:absolute;left:-9999px",
        "position:absolute;left:9999px",
        "text-indent:-999em",
        "position:absolute;top:-600px",
        "width:1px;height:1px;overflow:hidden",
        "clip:rect(0,0,0,0)",
        "clip:rect(1px 1px 1px 1px)",
        "clip-path:inset(50%)",
    ],
)
def test_styles_that_hide(style: str) -> None:
    assert not SHOWN.within({"style": style}).is_seen


@pytest.mark.parametrize(
    "style",
    [
        "",
        "text-align:center",
        "display:block",
        "visibility:visible",
        "opacity:0.5",
        "font-size:0.9em",
        "font-size:8pt",
        "font-size:smaller",
        "color:#0070c0",
        "color:navy",
        "color:#ddd",
        "color:white;background-color:#003366",
        "color:white;background:navy",
        "color:white;background:url(blue.png) white",
        "background-color:white",
        "background-color:black",
        "border-color:white",
        "margin-left:141.8pt;text-indent:-141.8pt",
        "text-indent:-999px;margin-left:999px",
        "margin-left:-36pt",
        "height:0.5em;overflow:hidden",
        "clip:rect(0px,60px,200px,0px)",
        "mso-hide:all",
        "not a style",
    ],
)
def test_styles_that_only_look_unusual(style: str) -> None:
    assert SHOWN.within({"style": style}).is_seen


@pytest.mark.parametrize(
    ("attributes", "is_seen"),
    [
        ({"hidden": ""}, False),
        ({"hidden": "false"}, False),
        ({"hidden": "", "style": "display:block"}, True),
        ({"color": "#FFFFFF"}, False),
        ({"color": "FFFFFF"}, False),
        ({"color": "white", "bgcolor": "#000080"}, True),
        ({"aria-hidden": "true"}, True),
        ({"class": "hidden"}, True),
    ],
)
def test_attributes(attributes: dict[str, str], is_seen: bool) -> None:
    assert SHOWN.within(attributes).is_seen == is_seen


@pytest.mark.parametrize(
    ("outer", "inner", "is_seen"),
    [
        ("display:none", "display:block", False),
        ("opacity:0", "opacity:1", False),
        ("visibility:hidden", "", False),
        ("visibility:hidden", "visibility:visible", True),
        ("font-size:0", "font-size:12px", True),
        ("font-size:0", "font-size:2em", False),
        ("background:#003366", "color:white", True),
        ("background:#003366", "color:#003366", False),
        ("color:white", "color:black", True),
        ("color:white", "color:inherit", False),
        ("color:white", "background:navy", True),
    ],
)
def test_an_element_takes_from_the_one_around_it_what_it_does_not_say(
    outer: str, inner: str, is_seen: bool
) -> None:
    assert SHOWN.within({"style": outer}).within({"style": inner}).is_seen == is_seen
