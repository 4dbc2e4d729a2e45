from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import ncps.wirings
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.models.liquid.wiring import (
    NCP,
    AutoNCP,
    FullyConnected,
    Random,
    Wiring,
    wiring_from_config,
)

DRAWN = [
    FullyConnected(5, 9, 3),
    Random(7, 11, 2, 0.3, seed=4),
    NCP(
        6,
        inter=8,
        command=5,
        motor=3,
        sensory_fanout=3,
        inter_fanout=2,
        recurrent_command_synapses=6,
        motor_fanin=2,
    ),
    AutoNCP(8, 24, 4),
]


def through_json(wiring: Wiring) -> Wiring:
    return wiring_from_config(json.loads(json.dumps(wiring.to_config())))


def through_pickle(wiring: Wiring) -> Wiring:
    return pickle.loads(pickle.dumps(wiring))


def built(wiring: ncps.wirings.Wiring, input_size: int) -> ncps.wirings.Wiring:
    wiring.build(input_size)
    return wiring


def assert_same(ours: Wiring, theirs: ncps.wirings.Wiring) -> None:
    assert np.array_equal(ours.synapses, theirs.adjacency_matrix)
    assert np.array_equal(ours.sensory_synapses, theirs.sensory_adjacency_matrix)
    assert ours.output_size == theirs.output_dim
    assert ours.synapse_count == theirs.synapse_count
    assert ours.sensory_synapse_count == theirs.sensory_synapse_count
    assert len(ours.layers) == theirs.num_layers
    for at, layer in enumerate(ours.layers):
        assert layer.tolist() == theirs.get_neurons_of_layer(at)
    for neuron in range(ours.units):
        assert ours.kind(neuron) == theirs.get_type_of_neuron(neuron)


@pytest.mark.parametrize("self_connections", [True, False])
@pytest.mark.parametrize(("inputs", "units", "outputs"), [(1, 1, None), (3, 7, 2), (64, 33, 33)])
def test_fully_connected_draws_as_ncps(inputs, units, outputs, self_connections):
    ours = FullyConnected(inputs, units, outputs, seed=5, self_connections=self_connections)
    assert_same(
        ours, built(ncps.wirings.FullyConnected(units, outputs, 5, self_connections), inputs)
    )


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.77])
@pytest.mark.parametrize(("inputs", "units", "outputs"), [(9, 13, None), (40, 33, 6), (3, 120, 1)])
def test_random_draws_as_ncps(inputs, units, outputs, sparsity):
    ours = Random(inputs, units, outputs, sparsity, seed=3)
    assert_same(ours, built(ncps.wirings.Random(units, outputs, sparsity, 3), inputs))


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(("inputs", "units", "outputs"), [(8, 24, 4), (3, 4, 1), (70, 130, 100)])
def test_auto_ncp_draws_as_ncps(inputs, units, outputs, sparsity):
    ours = AutoNCP(inputs, units, outputs, sparsity, seed=7)
    assert_same(ours, built(ncps.wirings.AutoNCP(units, outputs, sparsity, 7), inputs))


# With the seeds 42 and 66 a command neuron is left out and given fewer synapses than the mean.
@pytest.mark.parametrize("seed", [0, 42, 66])
def test_ncp_draws_as_ncps_where_neurons_are_left_out(seed):
    ours = NCP(
        5,
        inter=14,
        command=3,
        motor=2,
        sensory_fanout=3,
        inter_fanout=1,
        recurrent_command_synapses=2,
        motor_fanin=1,
        seed=seed,
    )
    assert_same(ours, built(ncps.wirings.NCP(14, 3, 2, 3, 1, 2, 1, seed), 5))


@given(
    st.integers(1, 12), st.integers(4, 40), st.floats(0, 0.99), st.integers(0, 2**32 - 1), st.data()
)
def test_every_auto_ncp_reaches_its_motor_neurons_by_layers_alone(inputs, units, sparsity, seed, d):
    wiring = AutoNCP(inputs, units, d.draw(st.integers(1, units - 3)), sparsity, seed=seed)
    inter, command, motor = wiring.layers
    assert wiring.sensory_synapses[:, inter].any(axis=0).all()
    assert wiring.synapses[np.ix_(inter, command)].any(axis=0).all()
    assert wiring.synapses[np.ix_(command, motor)].any(axis=0).all()
    allowed = np.zeros_like(wiring.synapses)
    for sources, targets in ((inter, command), (command, command), (command, motor)):
        allowed[np.ix_(sources, targets)] = 1
    assert not wiring.synapses[allowed == 0].any()


@pytest.mark.parametrize("wiring", DRAWN)
def test_a_wiring_cannot_be_changed(wiring):
    for array in (wiring.synapses, wiring.sensory_synapses, *wiring.layers):
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = 0
    with pytest.raises(FrozenInstanceError):
        wiring.output_size = 1
    with pytest.raises(TypeError):
        wiring.origin["seed"] = 0


def test_a_second_use_has_the_synapses_of_the_first_where_ncps_adds_more():
    ours, theirs = AutoNCP(64, 64, 16), built(ncps.wirings.AutoNCP(64, 16), 64)
    assert_same(ours, theirs)
    for _ in range(3):
        again = copy.deepcopy(ours)
        theirs.build(64)
    assert (again.synapse_count, theirs.synapse_count) == (424, 862)


def test_drawing_a_wiring_leaves_the_global_seed_alone():
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    assert [wiring.digest for wiring in (AutoNCP(8, 24, 4), AutoNCP(8, 24, 4))] == [
        DRAWN[3].digest
    ] * 2
    FullyConnected(3, 4)
    assert np.random.rand() == expected


def test_masks_are_copied_and_not_borrowed():
    sensory, synapses = np.ones((2, 3)), np.eye(3)
    wiring = Wiring.from_masks(sensory, synapses)
    sensory[:] = 0
    synapses[:] = 0
    assert (wiring.sensory_synapse_count, wiring.synapse_count) == (6, 3)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, through_json, through_pickle])
@pytest.mark.parametrize("from_masks", [False, True])
@pytest.mark.parametrize("wiring", DRAWN)
def test_a_duplicate_is_bit_equal_and_read_only(wiring, from_masks, duplicate):
    if from_masks:
        wiring = Wiring.from_masks(
            wiring.sensory_synapses, wiring.synapses, wiring.output_size, wiring.layers
        )
    again = duplicate(wiring)
    assert np.array_equal(again.synapses, wiring.synapses)
    assert np.array_equal(again.sensory_synapses, wiring.sensory_synapses)
    assert again.output_size == wiring.output_size
    assert [layer.tolist() for layer in again.layers] == [part.tolist() for part in wiring.layers]
    assert again.digest == wiring.digest
    assert not again.synapses.flags.writeable
    assert again.to_config() == wiring.to_config()


def test_a_drawn_wiring_has_a_config_of_its_few_arguments():
    config = AutoNCP(8, 24, 4, 0.25, seed=9).to_config()
    del config["digest"]
    assert config == {
        "kind": "auto-ncp",
        "input_size": 8,
        "units": 24,
        "output_size": 4,
        "sparsity": 0.25,
        "seed": 9,
    }
    assert wiring_from_config(config).synapse_count == AutoNCP(8, 24, 4, 0.25, seed=9).synapse_count


def test_an_ncps_wiring_that_was_reused_can_be_taken_over():
    theirs = ncps.wirings.AutoNCP(24, 4)
    for _ in range(3):
        theirs.build(8)
    ours = Wiring.from_masks(
        theirs.sensory_adjacency_matrix,
        theirs.adjacency_matrix,
        theirs.output_dim,
        [theirs.get_neurons_of_layer(layer) for layer in range(theirs.num_layers)],
    )
    assert_same(through_json(ours), theirs)


def test_sizes_and_density_count_what_there_is():
    wiring = Wiring.from_masks(np.array([[1, 0], [0, 0], [-1, 0]]), np.array([[0, 1], [0, -1]]), 1)
    assert (wiring.input_size, wiring.units, wiring.output_size) == (3, 2, 1)
    assert (wiring.sensory_synapse_count, wiring.synapse_count) == (2, 2)
    assert wiring.density == 4 / 10
    assert [wiring.kind(neuron) for neuron in range(2)] == ["motor", "inter"]
    with pytest.raises(ValueError, match="no neuron 2: they are 0 to 1"):
        wiring.kind(2)


def test_wirings_that_differ_in_anything_have_other_digests():
    sensory, synapses = np.ones((2, 4)), np.ones((4, 4))
    wirings = [
        Wiring.from_masks(sensory, synapses),
        Wiring.from_masks(sensory, synapses, 2),
        Wiring.from_masks(sensory, -synapses),
        Wiring.from_masks(-sensory, synapses),
        Wiring.from_masks(sensory, synapses, 2, [[2, 3], [0, 1]]),
        Wiring.from_masks(sensory, synapses, 2, [[3, 2], [0, 1]]),
        Wiring.from_masks(sensory, synapses, 2, [[2], [3], [0, 1]]),
    ]
    assert len({wiring.digest for wiring in wirings}) == len(wirings)


FANS = {
    "inter": 6,
    "command": 4,
    "motor": 2,
    "sensory_fanout": 3,
    "inter_fanout": 2,
    "recurrent_command_synapses": 3,
    "motor_fanin": 2,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensory_fanout": 7}, "sensory_fanout is 7, but there are only 6 inter neurons"),
        ({"inter_fanout": 5}, "inter_fanout is 5, but there are only 4 command neurons"),
        ({"motor_fanin": 5}, "motor_fanin is 5, but there are only 4 command neurons"),
        ({"motor_fanin": 0}, "motor_fanin is 0; needed is at least 1"),
        ({"recurrent_command_synapses": -1}, "recurrent_command_synapses is -1; needed is at le"),
        ({"command": 0}, "command is 0; needed is at least 1"),
        ({"inter": 2.5}, "inter is 2.5; needed is a whole number"),
        ({"seed": -1}, "seed is -1; needed is at least 0"),
    ],
)
def test_an_ncp_refuses_fans_that_do_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        NCP(5, **{**FANS, **change})


def make(sensory=None, synapses=None, outputs=None, layers=None) -> Wiring:
    return Wiring.from_masks(
        np.ones((2, 3)) if sensory is None else sensory,
        np.ones((3, 3)) if synapses is None else synapses,
        outputs,
        layers,
    )


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (
            lambda: AutoNCP(768, 768, 768),
            "units=768 for output_size=768; .* at least 771, and 1075",
        ),
        (lambda: AutoNCP(4, 4, 2), "needed are at least 5, and 5 leave room"),
        (lambda: AutoNCP(8, 24, 4, 1.0), "sparsity is 1.0; needed is at least 0"),
        (lambda: Random(8, 24, 4, -0.1), "sparsity is -0.1"),
        (lambda: Random(8, 24, 4, float("nan")), "sparsity is nan"),
        (lambda: Random(8, 24, 25), "output_size is 25, but there are only 24 units"),
        (lambda: Random(2, 20, sparsity=0.99), r"no input reaches neuron 0 \(20 of 20 in all\)"),
        (lambda: FullyConnected(0, 4), "input_size is 0; needed is at least 1"),
        (lambda: FullyConnected(3, 4, 0), "output_size is 0; needed is at least 1"),
        (lambda: make(sensory=np.ones((2, 4))), r"shape \(2, 4\); needed is \(input_size, 3\)"),
        (lambda: make(synapses=np.ones((3, 2))), r"shape \(3, 2\); needed is \(units, units\)"),
        (lambda: make(synapses=np.full((3, 3), 2)), "synapses hold 2; needed are -1, 0 and 1"),
        (lambda: make(sensory=np.full((2, 3), 0.5)), "sensory_synapses hold 0.5"),
        (lambda: make(outputs=4), "output_size is 4, but there are only 3 units"),
        (lambda: make(layers=[[0, 1]]), "layers hold 2 neurons; needed is each from 0 to 2 once"),
        (lambda: make(layers=[[0, 1, 1]]), "needed is each from 0 to 2 once"),
        (lambda: make(outputs=2, layers=[[1, 2], [0]]), "the motor neuron 1 is not in the last"),
    ],
)
def test_what_is_no_wiring_is_refused(attempt: Callable[[], Wiring], message: str):
    with pytest.raises(ValueError, match=message):
        attempt()


def test_a_neuron_only_reached_through_one_that_is_not_is_refused():
    sensory, synapses = np.array([[1, 0, 0]]), np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]])
    with pytest.raises(ValueError, match=r"no input reaches neuron 1 \(2 of 3 in all\)"):
        Wiring.from_masks(sensory, synapses)
    synapses[0, 2] = -1
    assert Wiring.from_masks(sensory, synapses).synapse_count == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "worm"}, "of the kind 'worm'; there are fully-connected, random, ncp, auto-ncp"),
        ({"sparsty": 0.5}, "'auto-ncp' is got an unexpected keyword argument 'sparsty'"),
        ({"digest": "0" * 16}, "than the config was written for \\(0000000000000000\\)"),
    ],
)
def test_a_config_that_is_not_of_this_wiring_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        wiring_from_config({**AutoNCP(8, 24, 4).to_config(), **change})


def test_a_config_that_lacks_an_argument_says_which():
    with pytest.raises(ValueError, match="missing a required argument: 'units'"):
        wiring_from_config({"kind": "random", "input_size": 3})


@pytest.mark.parametrize("masks", ["", "!", "AAAA", make().to_config()["masks"]])
def test_packed_masks_of_another_size_are_refused(masks):
    config = {**make().to_config(), "units": 4, "masks": masks}
    with pytest.raises(ValueError, match="do not hold the 24 values of 2 inputs and 4 units"):
        wiring_from_config(config)
