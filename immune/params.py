"""Parameters of the immune network."""

from dataclasses import dataclass

RANGES: dict[str, tuple[float, float]] = {
    "alpha": (-10, 10),
    "beta": (0, 10),
    "eta": (0, 10),
    "k": (0, 10),
    "bound": (0.1, 1e6),
}


@dataclass(frozen=True)
class Params:
    """Sun/Lee/Sim form [Jun, Lee & Sim 1999; Sun, Lee & Sim 2001] *(reconstructed)*. Rates are per step."""

    alpha: float = 0.05  # weight of the antibodies' concentrations (idiotypic coupling)
    beta: float = 0.5  # weight of the antigen
    eta: float = 0.2  # T-cell gain; 0 switches the T-cell off
    k: float = 0.1  # natural death of antibodies
    bound: float = 4.0  # S stays within [-bound, bound], else it winds up

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} = {value}: must lie in [{low:g}, {high:g}]")
