from __future__ import annotations

import torch

from cauce.models.liquid.kernels.newton import solve_by_newton


def relaxing(drive, gain):
    """x' = x + (tanh(gain x + drive) - x) / 2: bistable for gains above 1."""

    def step(before):
        bent = torch.tanh(gain * before + drive)
        return (before + bent) / 2, (1 + gain * (1 - bent * bent)) / 2

    return step


def one_by_one(step_at, state, time):
    states = []
    for place in range(time):
        state = step_at(place)(state[None])[0][0]
        states.append(state)
    return torch.stack(states)


def drawn(time, gain):
    generator = torch.Generator().manual_seed(0)
    drive = 1.5 * torch.randn(time, 3, 5, generator=generator, dtype=torch.float64)
    state = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    expected = one_by_one(lambda place: relaxing(drive[place], gain), state, time)
    return relaxing(drive, gain), state, expected


def test_a_contracting_recurrence_is_solved_in_a_few_iterations():
    step, state, expected = drawn(500, 0.5)
    states, effort = solve_by_newton(step, state, 500)
    assert effort.is_parallel and effort.iterations <= 6
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-12)


def test_a_linear_recurrence_takes_one_step_and_the_look_that_it_is_solved():
    terms = torch.randn(200, 1, 2, dtype=torch.float64)
    states, effort = solve_by_newton(
        lambda before: (0.9 * before + terms, torch.full_like(before, 0.9)),
        torch.ones(1, 2, dtype=torch.float64),
        200,
    )
    assert effort == (2, True)
    torch.testing.assert_close(states[0], 0.9 + terms[0])


def test_a_recurrence_that_expands_in_places_is_solved():
    step, state, expected = drawn(500, 1.6)
    slopes = step(torch.cat([state[None], expected[:-1]]))[1]
    assert slopes.max() > 1.25
    states, effort = solve_by_newton(step, state, 500)
    assert effort.is_parallel
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-12)


def test_every_iteration_makes_one_more_step_exact_at_least():
    step, state, expected = drawn(12, 8.0)
    states, effort = solve_by_newton(step, state, 12, max_iterations=14)
    assert effort.is_parallel and effort.iterations <= 13
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-12)


def test_iterations_are_bounded_and_a_failure_says_so():
    step, state, _ = drawn(500, 3.0)
    assert solve_by_newton(step, state, 500, max_iterations=2).effort == (2, False)


def test_a_step_that_is_no_finite_number_is_taken_back():
    step, state, expected = drawn(60, 1.6)
    guesses = []

    def failing_once(before):
        after, slope = step(before)
        guesses.append(before)
        if len(guesses) == 3:
            after[30:, 1, 2] = torch.nan
        return after, slope

    states, effort = solve_by_newton(failing_once, state, 60)
    assert effort.is_parallel and effort.iterations > solve_by_newton(step, state, 60)[1].iterations
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-12)


def test_numbers_that_are_never_finite_do_not_pass_for_solved():
    solution = solve_by_newton(
        lambda before: (before * torch.nan, before * 0), torch.zeros(1, 1), 8
    )
    assert not solution.effort.is_parallel


def test_a_small_residual_does_not_pass_for_a_solution_where_errors_grow():
    def chaotic(before):
        return 3 * torch.sin(before) + 1e-6, 3 * torch.cos(before)

    state = torch.zeros(1, 1)
    assert chaotic(state)[0] < torch.finfo(torch.float32).eps ** 0.75
    states, effort = solve_by_newton(chaotic, state, 60)
    expected = one_by_one(lambda _: chaotic, state, 60)
    assert expected.abs().max() > 2
    assert not effort.is_parallel or torch.allclose(states, expected, atol=1e-5)
