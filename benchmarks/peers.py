"""xcsf, set up with the parameters of `classifier.params.Params`: what all comparisons with it have in common."""

from typing import Any

from classifier.params import Params


def xcsf(p: Params, inputs: int, actions: int, seed: int, condition: dict[str, Any], ea: dict[str, Any]) -> Any:
    """xcsf 1.5.0 in one thread, constant predictions; `ea` as in its manual, beyond what all have in common."""
    import xcsf as peer

    return peer.XCS(
        x_dim=inputs,
        y_dim=1,
        n_actions=actions,
        omp_num_threads=1,
        random_state=seed,
        pop_init=False,
        max_trials=1,
        pop_size=p.capacity,
        set_subsumption=p.do_as_subsumption,
        theta_sub=p.theta_sub,
        e0=p.epsilon0,
        alpha=p.alpha,
        nu=p.nu,
        beta=p.beta,
        delta=p.delta,
        theta_del=p.theta_del,
        init_fitness=p.f_init,
        init_error=p.epsilon_init,
        ea={"lambda": 2, "p_crossover": p.chi, "subsumption": True, "pred_reset": False, **ea},
        condition=condition,
        action={"type": "integer"},
        prediction={"type": "constant"},
    )
