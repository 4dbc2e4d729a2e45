from __future__ import annotations

import pytest
import torch
from torch.autograd.functional import jacobian

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import lrc as kernel
from cauce.models.liquid.kernels.lrc import LrcDrive, LrcWeights, lrc_recurrence, solve
from cauce.models.liquid.lrc import LONGEST_MEMORY, LrcSSM

SOLVERS = ("sequential", "parallel")


def plain_loop(layer, inputs, state=None, timespans=None, starts=None, padding=None):
    """The equations of the layer's docstring as they stand, for autograd."""
    weights = dict(layer.named_parameters())
    x = inputs.new_zeros(len(inputs), layer.state_size) if state is None else state
    states = []
    for step, u in enumerate(inputs.unbind(1)):
        if starts is not None:
            x = torch.where(starts[:, step, None], 0.0, x)
        s = torch.sigmoid(weights["synapse_slope"] * x + weights["synapse_offset"])
        r = torch.sigmoid(weights["input_slope"] * u + weights["input_offset"])
        f = weights["conductance"] * s + r @ weights["input_conductance"].t() + weights["leak"]
        z = weights["update"] * s + r @ weights["input_update"].t() + weights["leak"]
        q = weights["elastance"] * x + u @ weights["input_elastance"].t()
        q = q + weights["elastance_bias"]
        dt = 1.0 if timespans is None else timespans[:, step, None]
        rate = torch.tanh(z) * weights["potential"] - torch.sigmoid(f) * x
        after = x + dt * torch.sigmoid(q) * rate
        x = after if padding is None else torch.where(padding[:, step, None], x, after)
        states.append(x)
    outputs = torch.stack(states, 1)
    if layer.output_weight is not None:
        outputs = outputs @ layer.output_weight.t() + layer.output_bias
    return outputs, x


def made(input_size=5, units=7, dtype=torch.float64, strength=1.0, **options):
    torch.manual_seed(0)
    layer = LrcSSM(input_size, units, **options).to(dtype)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
        for weight in (layer.synapse_slope, layer.conductance, layer.update, layer.elastance):
            weight.mul_(strength)
    return layer


def everything(rows=3, time=12, input_size=5, units=7):
    """Inputs, and all that a layer can be told about their time."""
    generator = torch.Generator().manual_seed(1)

    def drawn(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    starts = torch.rand(rows, time, generator=generator) < 0.2
    padding = torch.rand(rows, time, generator=generator) < 0.2
    starts[0, 4], padding[0, 4] = True, True
    options = {
        "timespans": drawn(rows, time).abs(),
        "document_starts": starts,
        "padding": padding,
    }
    return drawn(rows, time, input_size), drawn(rows, units), options


def gradients(outputs, tensors):
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    return torch.autograd.grad((outputs * weights).sum(), tensors, allow_unused=True)


@pytest.mark.parametrize("output_size", [None, 4])
@pytest.mark.parametrize("solver", SOLVERS)
def test_outputs_and_gradients_are_those_of_a_plain_loop(solver, output_size):
    layer = made(solver=solver, output_size=output_size)
    inputs, state, options = everything()
    tensors = [inputs, state, options["timespans"], *layer.parameters()]
    for tensor in tensors:
        tensor.requires_grad_()
    outputs, end = layer(inputs, state, **options)
    expected, expected_end = plain_loop(
        layer, inputs, state, options["timespans"], options["document_starts"], options["padding"]
    )
    torch.testing.assert_close((outputs, end), (expected, expected_end), rtol=0, atol=1e-12)
    found = gradients(torch.cat([outputs.flatten(), end.flatten()]), tensors)
    known = gradients(torch.cat([expected.flatten(), expected_end.flatten()]), tensors)
    torch.testing.assert_close(found, known, rtol=1e-9, atol=1e-12)
    assert all(gradient.abs().sum() > 0 for gradient in found)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("marked", [False, True])
def test_gradients_pass_the_numerical_check(solver, marked):
    _, state, options = everything(2, 6, 1, 3)
    timespans, starts, padding = (mark.t() for mark in options.values())
    torch.manual_seed(2)
    drive = [torch.randn(6, 2, 3, dtype=torch.float64) for _ in range(3)]
    weights = [torch.randn(3, dtype=torch.float64) for _ in range(6)]
    tensors = [state, timespans, *drive, *weights]

    def recurrence(state, timespans, *rest):
        flow = Flow(timespans, starts, padding) if marked else Flow()
        return lrc_recurrence(
            LrcDrive(*rest[:3]), state, LrcWeights(*rest[3:]), flow, solver
        ).states

    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    if not marked:
        leaves[1] = leaves[1].detach()
    assert torch.autograd.gradcheck(recurrence, leaves)


@pytest.mark.parametrize("time", [1, 2, 300, 4096])
def test_parallel_is_sequential(time):
    layer = made(8, 16, torch.float32)
    inputs = torch.randn(2, time, 8, requires_grad=True)
    results = {}
    for solver in SOLVERS:
        layer.solver = solver
        outputs, _ = layer(inputs)
        results[solver] = (outputs, *gradients(outputs / time, [inputs]))
    assert layer.effort.is_parallel and 2 <= layer.effort.iterations <= 8
    torch.testing.assert_close(results["parallel"], results["sequential"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("strength", [2, 4, 6])
def test_large_weights_are_solved_in_parallel_too(strength):
    layer = made(8, 16, strength=strength, solver="parallel")
    inputs = torch.randn(2, 512, 8, dtype=torch.float64)
    outputs, _ = layer(inputs)
    assert layer.effort.is_parallel and layer.effort.iterations <= kernel.MAX_ITERATIONS
    layer.solver = "sequential"
    torch.testing.assert_close(outputs, layer(inputs)[0], rtol=0, atol=1e-10)


def test_large_weights_need_the_bound_on_the_jacobian(monkeypatch):
    layer = made(8, 16, strength=6, solver="parallel")
    inputs = torch.randn(2, 512, 8, dtype=torch.float64)
    layer(inputs)
    bounded = layer.effort
    monkeypatch.setattr("cauce.models.liquid.kernels.newton.CLOSE", torch.inf)
    layer(inputs)
    assert bounded.is_parallel
    assert layer.effort.iterations > bounded.iterations


def test_where_iterations_do_not_converge_the_steps_are_taken_one_after_another():
    layer = made(8, 16, strength=100.0, solver="parallel")
    with torch.no_grad():
        layer.elastance_bias.zero_()
    inputs = torch.randn(2, 512, 8, dtype=torch.float64)
    outputs, _ = layer(inputs)
    assert layer.effort == (kernel.MAX_ITERATIONS, False)
    layer.solver = "sequential"
    assert torch.equal(outputs, layer(inputs)[0])
    early, _ = plain_loop(layer, inputs[:, :20])
    torch.testing.assert_close(outputs[:, :20], early, rtol=0, atol=1e-9)


def test_a_bound_of_one_iteration_falls_back_to_the_same_states():
    layer = made()
    inputs = torch.randn(20, 2, 5, dtype=torch.float64)
    drive, weights = layer._drive(inputs), layer._weights(torch.float64)
    state = torch.zeros(2, 7, dtype=torch.float64)
    with torch.no_grad():
        cut = solve(drive, state, weights, Flow(), "parallel", max_iterations=1)
        whole = solve(drive, state, weights, Flow(), "sequential")
    assert cut.effort == (1, False) and whole.effort == (0, False)
    assert torch.equal(cut.states, whole.states)


def test_auto_goes_by_the_measured_sizes():
    chosen = {
        (rows, time): kernel._faster(torch.zeros(rows, 64), time)
        for rows in (1, 4)
        for time in (1, 1024)
    }
    assert chosen.pop((1, 1024)) == "parallel"
    assert set(chosen.values()) == {"sequential"}
    layer = made(3, 4)
    layer(torch.randn(1, 200, 3))
    assert layer.effort.is_parallel
    layer(torch.randn(1, 20, 3))
    assert layer.effort == (0, False)


def test_the_jacobian_of_a_step_is_diagonal():
    layer = made(solver="sequential")
    inputs = torch.randn(1, 9, 5, dtype=torch.float64)

    def last(state):
        return layer(inputs, state[None])[1][0]

    slopes = jacobian(last, torch.randn(7, dtype=torch.float64))
    assert torch.equal(slopes, torch.diag(slopes.diagonal()))
    assert slopes.diagonal().abs().min() > 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_packed_documents_are_computed_as_if_alone(solver):
    layer = made(solver=solver)
    inputs = torch.randn(1, 30, 5, dtype=torch.float64)
    starts = torch.zeros(1, 30, dtype=torch.bool)
    starts[0, [0, 11, 12]] = True
    packed, _ = layer(inputs, torch.ones(1, 7, dtype=torch.float64), document_starts=starts)
    alone = [layer(part)[0] for part in inputs.split([11, 1, 18], 1)]
    torch.testing.assert_close(packed, torch.cat(alone, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_padding_leaves_the_state_and_the_gradients_as_they_were(solver):
    layer = made(solver=solver)
    inputs = torch.randn(2, 9, 5, dtype=torch.float64)
    padded = torch.randn(2, 14, 5, dtype=torch.float64)
    padding = torch.ones(2, 14, dtype=torch.bool)
    padding[0, 5:], padding[1, 2:11] = False, False
    padded[~padding] = inputs.flatten(0, 1)
    padded.requires_grad_()
    _, end = layer(padded, padding=padding)
    torch.testing.assert_close(end, layer(inputs)[1], rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(end.sum(), padded)
    assert gradient[padding].abs().max() == 0 and gradient[~padding].abs().min() > 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_chunks_that_hand_on_the_state_are_the_whole(solver):
    layer = made(solver=solver, output_size=3)
    inputs = torch.randn(2, 40, 5, dtype=torch.float64)
    whole, end = layer(inputs)
    state, parts = None, []
    for part in inputs.split([1, 17, 22], 1):
        outputs, state = layer(part, state)
        parts.append(outputs)
    torch.testing.assert_close((torch.cat(parts, 1), state), (whole, end), rtol=0, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_row_goes_by_its_own_timespans(solver):
    layer = made(5, 5, solver=solver)
    inputs, timespans = torch.randn(5, 5, 5).double(), torch.rand(5, 5).double()
    together, _ = layer(inputs, timespans=timespans)
    for row in range(5):
        alone, _ = layer(inputs[row, None], timespans=timespans[row, None])
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-12)
    still, _ = layer(inputs, torch.ones(5, 5).double(), timespans=torch.zeros(5, 5))
    assert torch.equal(still, torch.ones_like(still))


def test_work_in_blocks_is_work_in_one(monkeypatch):
    layer = made(solver="parallel")
    inputs, state, options = everything()
    tensors = [inputs.requires_grad_(), *layer.parameters()]

    def results():
        outputs, _ = layer(inputs, state, **options)
        return outputs, *gradients(outputs, tensors)

    whole = results()
    monkeypatch.setattr(kernel, "BLOCK", 5 * 21)
    torch.testing.assert_close(results(), whole, rtol=1e-12, atol=1e-12)


def test_a_new_layer_remembers_over_many_time_scales():
    torch.manual_seed(0)
    layer = LrcSSM(16, 64)
    inputs = torch.randn(4, 256, 16)
    with torch.no_grad():
        apart = layer(inputs, torch.ones(4, 64))[0] - layer(inputs)[0]
    kept = apart.abs().mean(0)
    assert kept[:, 0].max() > 0.5
    assert kept[15, :8].max() < 0.2, "fast neurons forget"
    assert kept[-1, -8:].min() > 0.5, "slow neurons still know"
    assert LONGEST_MEMORY > 256


def test_a_bf16_layer_computes_in_fp32_and_answers_in_bf16():
    layer = made(dtype=torch.bfloat16, output_size=3)
    inputs = torch.randn(2, 10, 5).bfloat16()
    outputs, end = layer(inputs)
    assert outputs.dtype == torch.bfloat16 and end.dtype == torch.float32
    outputs.float().sum().backward()
    assert all(weight.grad.dtype == torch.bfloat16 for weight in layer.parameters())
    exact, _ = layer.float()(inputs.float())
    torch.testing.assert_close(outputs.float(), exact, rtol=0.01, atol=0.01)


def test_other_weights_can_be_put_in_for_one_call():
    layer = made()
    inputs = torch.randn(2, 4, 5, dtype=torch.float64)
    other = {name: 2 * weight.detach() for name, weight in layer.named_parameters()}
    found, _ = torch.func.functional_call(layer, other, (inputs,))
    layer.load_state_dict(other, assign=True)
    torch.testing.assert_close(found, layer(inputs)[0], rtol=0, atol=1e-12)


def test_a_layer_is_built_without_memory_and_filled_later():
    with torch.device("meta"):
        layer = LrcSSM(5, 7, output_size=2)
        outputs, end = layer.compute(torch.empty(4, 3, 5), torch.empty(3, 7), Flow())
    assert outputs.shape == (4, 3, 2) and end.shape == (3, 7) and outputs.is_meta
    layer.to_empty(device="cpu")
    layer.reset_parameters()
    assert layer(torch.randn(3, 4, 5))[0].isfinite().all()
    assert set(layer.state_dict()) == {name for name, _ in layer.named_parameters()}


def test_a_pass_keeps_four_numbers_per_neuron_and_step_beside_its_inputs():
    layer = made(2, 64, torch.float32, solver="parallel")
    inputs = torch.randn(1, 256, 2)
    saved = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs, _ = layer(inputs)
    assert sum(saved.values()) < 4.3 * outputs.numel() * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "units is 0; needed is at least 1"),
        ({"input_size": -1}, "input_size is -1"),
        ({"output_size": 0}, "output_size is 0"),
        ({"solver": "magic"}, "solver is 'magic'; there are auto, sequential, parallel"),
    ],
)
def test_impossible_layers_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LrcSSM(**{"input_size": 3, "units": 4, **options})


def test_a_state_or_inputs_that_do_not_fit_are_refused():
    layer = made()
    with pytest.raises(ValueError, match=r"\(2, 6\); needed is \(2, 7\)"):
        layer(torch.zeros(2, 4, 5), torch.zeros(2, 6))
    with pytest.raises(ValueError, match=r"needed is \(rows, time, 5\)"):
        layer(torch.zeros(2, 4, 6))
