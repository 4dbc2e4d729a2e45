from __future__ import annotations

import re

import numpy as np
import pytest
from lxml import etree

from cauce.models.liquid.drawing import draw
from cauce.models.liquid.wiring import AutoNCP, FullyConnected, Random, Wiring
from shared import CHECKOUT

SVG = "{http://www.w3.org/2000/svg}"

WIRINGS = [
    AutoNCP(8, 24, 4),
    FullyConnected(3, 6, 2),
    FullyConnected(1, 1),
    Random(5, 20, 6, 0.7),
    AutoNCP(64, 128, 32, 0.9),
    FullyConnected(70, 3),
]


def parsed(wiring: Wiring) -> etree._Element:
    return etree.fromstring(draw(wiring).encode())


def paths(picture: etree._Element, name: str) -> list[etree._Element]:
    """The synapses of a class, without its line in the legend."""
    return [path for path in picture.iter(f"{SVG}path") if path.get("class") == name][1:]


@pytest.mark.parametrize("wiring", WIRINGS)
def test_a_drawing_is_one_svg_that_loads_and_runs_nothing(wiring):
    picture = parsed(wiring)
    assert picture.tag == f"{SVG}svg"
    tags = {element.tag.removeprefix(SVG) for element in picture.iter()}
    assert not tags & {"script", "image", "use", "a", "foreignObject"}
    text = draw(wiring).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http" not in text
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {
        f"#{mark.get('id')}" for mark in picture.iter(f"{SVG}marker")
    }


@pytest.mark.parametrize("wiring", WIRINGS)
def test_title_and_description_come_first_and_say_the_counts(wiring):
    title, description = parsed(wiring)[:2]
    assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
    assert f"{wiring.input_size} inputs, {wiring.units} neurons" in title.text
    assert f"{wiring.sensory_synapse_count:,} sensory and {wiring.synapse_count:,} other" in (
        description.text
    )


@pytest.mark.parametrize("wiring", WIRINGS[:4])
def test_a_circuit_has_a_dot_for_each_neuron_and_a_line_for_each_synapse(wiring):
    picture = parsed(wiring)
    masks = np.concatenate([wiring.sensory_synapses, wiring.synapses])
    assert len(list(picture.iter(f"{SVG}circle"))) == len(masks)
    assert len(paths(picture, "plus")) == (masks > 0).sum()
    assert len(paths(picture, "minus")) == (masks < 0).sum()


def test_only_synapses_within_a_layer_and_back_are_arcs_with_arrowheads():
    wiring = AutoNCP(8, 24, 4)
    command = wiring.layers[1]
    marked = [p for p in parsed(wiring).iter(f"{SVG}path") if p.get("marker-end")]
    assert len(marked) == np.count_nonzero(wiring.synapses[np.ix_(command, command)])


def test_inhibition_differs_by_dashes_and_not_only_by_colour():
    text = draw(AutoNCP(8, 24, 4))
    minus, plus = (re.search(rf"\.{name} {{ (stroke:[^}}]*)}}", text) for name in ("minus", "plus"))
    assert minus is not None and "stroke-dasharray" in minus[1]
    assert plus is not None and "stroke-dasharray" not in plus[1]
    assert "prefers-color-scheme: dark" in text


def test_drawings_on_one_page_do_not_share_arrowheads():
    names = [
        {mark.get("id") for mark in parsed(wiring).iter(f"{SVG}marker")} for wiring in WIRINGS[:3]
    ]
    assert len(set.union(*names)) == 6


@pytest.mark.parametrize(
    ("wiring", "is_wide"),
    [
        (AutoNCP(60, 20, 4, 0.9), False),
        (AutoNCP(61, 20, 4, 0.9), True),
        (FullyConnected(10, 50), False),
        (FullyConnected(11, 50), True),
    ],
)
def test_a_wide_wiring_is_drawn_as_maps_and_says_so(wiring, is_wide):
    picture = parsed(wiring)
    assert bool(list(picture.iter(f"{SVG}circle"))) is not is_wide
    words = " ".join(element.text for element in picture.iter(f"{SVG}text"))
    assert ("Too wide to draw neuron by neuron" in words) is is_wide


def ink(picture: etree._Element, name: str) -> np.ndarray:
    """What a map shows, read back from its rectangles: the shade of each block."""
    shown = np.zeros((100, 60))
    for path in picture.iter(f"{SVG}path"):
        if path.get("class") == name and path.get("opacity"):
            for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", path.get("d")):
                shown[int(y), int(x) : int(x) + int(length)] += float(path.get("opacity"))
    return shown


def test_a_map_shades_each_block_by_its_share_of_synapses():
    sensory, synapses = np.zeros((96, 96)), np.zeros((96, 96))
    sensory[0:2, 4:6] = 1
    sensory[:, 8:] = 1
    sensory[95] = 1
    synapses[10:12, 20] = -1
    shown = parsed(Wiring.from_masks(sensory, synapses))
    excitatory, inhibitory = ink(shown, "plus-ink"), ink(shown, "minus-ink")
    assert excitatory[0, :5].tolist() == [0, 0, 1, 0, 1]
    assert excitatory[1, :5].tolist() == [0, 0, 0, 0, 1]
    assert excitatory[47, :5].tolist() == [0.5, 0.5, 0.5, 0.5, 1]
    assert inhibitory[48 + 5, 9:12].tolist() == [0, 0.5, 0]
    assert np.count_nonzero(inhibitory) == 1


def test_a_map_of_a_policy_is_empty_where_its_layers_do_not_meet():
    shown = parsed(AutoNCP(96, 96, 20))
    for name in ("plus-ink", "minus-ink"):
        shades = ink(shown, name)
        inter, command, motor = slice(0, 23), slice(23, 38), slice(38, 48)
        assert (shades[:48, inter] > 0).mean() > 0.5
        assert not shades[:48, 23:].any()
        assert shades[48:71, command].any() and not shades[48:71, motor].any()
        assert not shades[86:].any()


@pytest.mark.parametrize(
    ("name", "wiring"),
    [
        ("ncp-wiring", AutoNCP(8, 24, 4)),
        ("fully-connected-wiring", FullyConnected(3, 6, 2)),
    ],
)
def test_the_pictures_in_the_docs_are_what_is_drawn(name, wiring):
    assert (CHECKOUT / "docs" / "images" / f"{name}.svg").read_text() == draw(wiring)
