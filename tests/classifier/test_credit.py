"""What rules learn from a pay-off, against figures worked out by hand from Butz & Wilson 2002."""

from dataclasses import replace

import numpy as np
import pytest

from classifier import credit
from classifier.population import NO_REALS
from tests.classifier.by_hand import PAPER, population


@pytest.mark.parametrize(
    ("error_first", "errors", "later"),
    [
        # The old p is 0, 1000, 500: epsilon = 1000, 1000 + (1000 - 1000)/2, 1000 + (500 - 1000)/3.
        (True, [1000.0, 1000.0, 2500 / 3], 100 + 0.2 * (500 - 100)),
        # The new p is 1000, 500, 1000/3: epsilon = 0, 0 + (500 - 0)/2, 250 + (1000/3 - 250)/3.
        (False, [0.0, 250.0, 2500 / 9], 100 + 0.2 * (400 - 100)),
    ],
)
def test_the_first_updates_average_and_the_later_ones_step_by_beta(
    error_first: bool, errors: list[float], later: float
) -> None:
    # beta = 0.2: updates 1 to 5 weigh 1, 1/2, 1/3, 1/4, 1/5; from then on 1/5.
    params = replace(PAPER, error_first=error_first)
    pop = population(("1#", 0))
    acting = np.array([0])
    for payoff, p, epsilon in zip((1000.0, 0.0, 0.0), (1000.0, 500.0, 1000 / 3), errors, strict=True):
        credit.update(pop, acting, payoff, NO_REALS, params)
        assert pop.prediction[0] == pytest.approx(p)
        assert pop.error[0] == pytest.approx(epsilon)
    pop.experience[0], pop.prediction[0], pop.error[0] = 9, 500.0, 100.0
    credit.update(pop, acting, 1000.0, NO_REALS, params)
    assert pop.prediction[0] == pytest.approx(600.0)
    assert pop.error[0] == pytest.approx(later)
    assert pop.experience[0] == 10


def test_fitness_is_the_share_of_accuracy_and_size_the_number_of_copies() -> None:
    # epsilon0 = 10. Rule 0, 2 copies, error 5 -> accurate, kappa = 1. Rule 1, 3 copies, error 20
    # -> kappa = 0.1 * 2^-5 = 1/320. Both predict exactly, so the errors become 0.8 * 6.25 = 5
    # and 0.8 * 25 = 20. kappa n: 2 and 3/320; shares 640/643 and 3/643. F += 0.2 (share - F).
    pop = population(
        ("1#", 0),
        ("##", 0),
        experience=[50, 50],
        prediction=[300.0, 300.0],
        error=[6.25, 25.0],
        fitness=[0.5, 0.5],
        numerosity=[2, 3],
        size=[5.0, 10.0],
    )
    credit.update(pop, np.array([0, 1]), 300.0, NO_REALS, PAPER)
    assert pop.error[:2].tolist() == pytest.approx([5.0, 20.0])
    assert pop.fitness[:2].tolist() == pytest.approx([0.4 + 0.2 * 640 / 643, 0.4 + 0.2 * 3 / 643])
    assert pop.size[:2].tolist() == pytest.approx([5.0, 9.0])


def test_the_gradient_scales_a_step_by_the_share_of_fitness_once_the_average_is_over() -> None:
    pop = population(
        ("1#", 0), ("##", 0), ("#0", 0), experience=[50, 50, 1], prediction=[0.0] * 3, fitness=[0.3, 0.1, 0.1]
    )
    credit.update(pop, np.array([0, 1, 2]), 1000.0, NO_REALS, replace(PAPER, gradient=True))
    assert pop.prediction[:3].tolist() == pytest.approx([1000 * 0.2 * 0.6, 1000 * 0.2 * 0.2, 500.0])
