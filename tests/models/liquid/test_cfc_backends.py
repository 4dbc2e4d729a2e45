from __future__ import annotations

import itertools

import pytest
import torch

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.backends import use_backend
from cauce.models.liquid.kernels.cfc import CfCForm, CfCWeights, cfc_recurrence

pytestmark = pytest.mark.skipif(not native.is_available(), reason="no C++ compiler here")

MODES = ("default", "no_gate", "pure")
ACTIVATIONS = ("lecun_tanh", "tanh", "relu", "silu", "gelu", "gelu_tanh")
FORMS = [
    CfCForm("default", activation, gated) for activation in ACTIVATIONS for gated in (False, True)
]
FORMS += [CfCForm(mode) for mode in MODES[1:]]


class Case:
    """A recurrence with all its tensors; the weights are small, so that it forgets."""

    def __init__(
        self, form=None, depth=1, *, timed=False, marked=False, t=6, b=3, n=5, u=7, dtype=None
    ):
        self.form = form or CfCForm()
        torch.manual_seed(b * n)
        heads = (1 if self.form.mode == "pure" else 4 if timed else 3) * n
        width = (2 if self.form.is_gated else 1) * u if depth else heads

        def drawn(*shape):
            scale = 0.5 / shape[-1] ** 0.5 if len(shape) == 2 else 0.5
            return (scale * torch.randn(*shape)).to(dtype or torch.float32).requires_grad_()

        self.drive, self.state = drawn(t, b, width), drawn(b, n)
        self.weights = CfCWeights(
            drawn(width, n),
            tuple(drawn(width, u) for _ in range(depth - 1)),
            tuple(drawn(width) for _ in range(depth - 1)),
            drawn(heads, u) if depth else None,
            drawn(heads) if depth else None,
        )
        if self.form.mode == "pure":
            self.weights = self.weights._replace(amplitude=drawn(n), rate=drawn(n).detach().abs())
        times = torch.rand(t, b).to(dtype or torch.float32).requires_grad_() if timed else None
        marks = torch.rand(2, t, b) < 0.3
        self.flow = Flow(times, *(marks if marked else (None, None)))

    def run(self, backend):
        """The states, and the gradients of all that has one."""
        found = [self.drive, self.state, *self.weights.hidden, *self.weights.hidden_biases]
        found += [self.flow.timespans, self.weights.recurrent, *self.weights[3:]]
        leaves = [leaf for leaf in found if leaf is not None and leaf.requires_grad]
        with use_backend(backend):
            states = cfc_recurrence(self.drive, self.state, self.weights, self.form, self.flow)
            loss = (states * torch.linspace(-1, 2, states.numel()).view_as(states)).sum()
            return [states.detach(), *torch.autograd.grad(loss, leaves)]


def assert_close(found, expected):
    """States to 1e-6, each gradient to 1e-5 of its largest number."""
    torch.testing.assert_close(found[0], expected[0].to(found[0].dtype), rtol=0, atol=1e-6)
    for one, other in zip(found[1:], expected[1:], strict=True):
        bound = 1e-5 * other.abs().max().item() + 1e-12
        torch.testing.assert_close(one, other.to(one.dtype), rtol=0, atol=bound)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(map(str, form)))
def test_cpp_is_torch_in_every_form(form):
    for depth, timed, marked in itertools.product((0, 1, 2, 3), (False, True), (False, True)):
        if depth or not form.is_gated:
            case = Case(form, depth, timed=timed, marked=marked)
            assert_close(case.run("cpp"), case.run("torch"))


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_cpp_is_torch_at_every_width_and_number_of_rows(depth):
    for n, u in itertools.product((1, 5, 16, 17, 40), repeat=2):
        case = Case(depth=depth, timed=n % 2 == 0, n=n, u=u)
        assert_close(case.run("cpp"), case.run("torch"))
    for b in range(1, 10):
        case = Case(depth=depth, b=b, n=17, u=33, marked=True)
        assert_close(case.run("cpp"), case.run("torch"))


def test_cpp_is_as_close_to_fp64_as_torch():
    case, truth = Case(t=40, n=96, u=64), Case(t=40, n=96, u=64, dtype=torch.float64)
    assert_close(case.run("cpp"), truth.run("torch"))


def test_results_do_not_depend_on_the_threads():
    case = Case(depth=2, t=200, b=7, n=64, u=96, marked=True)
    threads = torch.get_num_threads()
    runs = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            runs.append(case.run("cpp")[:3])
    finally:
        torch.set_num_threads(threads)
    for run in runs[1:]:
        assert all(map(torch.equal, runs[0], run))


def test_rows_do_not_depend_on_their_neighbours():
    case = Case(t=9, b=7, n=17, u=20)
    states, drive_grad, *_ = case.run("cpp")
    for row in range(7):
        with use_backend("cpp"):
            alone = cfc_recurrence(
                case.drive[:, [row]], case.state[[row]], case.weights, case.form, Flow()
            )
        assert torch.equal(alone[:, 0], states[:, row])
    assert drive_grad.shape == case.drive.shape


def test_results_do_not_depend_on_the_lanes(monkeypatch, tmp_path):
    forms = [CfCForm("default", activation) for activation in ACTIVATIONS]
    cases = [Case(form, 2, marked=True, timed=True, n=21, u=18) for form in forms]
    cases.append(Case(CfCForm("pure"), n=21))
    expected = [case.run("cpp") for case in cases]
    monkeypatch.setenv("CXX", "c++ -DLANES=16")
    monkeypatch.setenv("CAUCE_KERNELS", str(tmp_path))
    monkeypatch.setattr(native, "_translation_units", lambda: [native._SOURCES / "cfc.cpp"])
    native._outcome.cache_clear()
    try:
        found = [case.run("cpp") for case in cases]
        assert list(tmp_path.iterdir())
    finally:
        native._outcome.cache_clear()
    for one, other in zip(found, expected, strict=True):
        assert all(map(torch.equal, one, other))


def test_tensors_need_not_be_contiguous():
    case, plain = Case(depth=2, timed=True, marked=True), Case(depth=2, timed=True, marked=True)
    flow = Flow(*(each.detach().t().contiguous().t() for each in case.flow))
    weights = case.weights._replace(recurrent=case.weights.recurrent.t().contiguous().t())
    drive = case.drive.transpose(0, 2).contiguous().transpose(0, 2)
    with use_backend("cpp"):
        found = cfc_recurrence(drive, case.state, weights, case.form, flow)
    grads = torch.autograd.grad(found.transpose(0, 1).sum(), [case.drive, case.state])
    with use_backend("torch"):
        expected = cfc_recurrence(plain.drive, plain.state, plain.weights, plain.form, plain.flow)
    expected_grads = torch.autograd.grad(expected.sum(), [plain.drive, plain.state])
    assert_close([found, *grads], [expected, *expected_grads])


@pytest.mark.parametrize("depth", [0, 2])
def test_a_backward_pass_can_be_repeated(depth):
    case = Case(depth=depth)
    with use_backend("cpp"):
        states = cfc_recurrence(case.drive, case.state, case.weights, case.form, case.flow)
    first, second = (
        torch.autograd.grad(states.sum(), case.drive, retain_graph=True)[0] for _ in range(2)
    )
    assert torch.equal(first, second)


def test_nan_spreads_in_its_own_row_alone():
    case = Case()
    with torch.no_grad():
        case.drive[2, 1, 0] = torch.nan
    states, *_ = case.run("cpp")
    assert states[2:, 1].isnan().all()
    assert states[:, 0].isfinite().all()
