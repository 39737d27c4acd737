"""Arbiters that are immune networks: an antibody for each strategy, or for each call that is heard."""

import numpy as np

import immune.calls
import immune.farmer
import immune.ishiguro
import immune.network
from classifier.draws import uniform
from swarm.arbiters.contract import Scene, Verdict
from swarm.calls import MOST
from swarm.memory import AGGREGATE, DISPERSE
from swarm.mission import Mission
from swarm.registry import arbiter, parameters

_PURPOSE = 1  # of random draws


@arbiter("immune")
class Immune:
    """The immune network of `immune.network`, in the form of Sun, Lee & Sim."""

    def __init__(self, mission: Mission) -> None:
        self.params = mission.mind.immune
        self.affinity = self.params.coupling()

    def start(self, lanes: int) -> immune.network.Network:
        """Networks that nothing has stimulated yet."""
        return immune.network.start((lanes,), self.params.antibodies)

    def step(self, state: immune.network.Network, scene: Scene) -> tuple[immune.network.Network, Verdict]:
        """One step of the network; the antibody of highest stimulus wins."""
        state = immune.network.step(state, scene.antigen, scene.met, self.affinity, self.params)
        if self.params.exchange:
            state = immune.network.exchange(state, scene.example)
        elected = immune.network.elect(state, scene.memory["strategy"])
        return state, Verdict(elected, state.S, state.s)


@arbiter("ishiguro")
class Ishiguro:
    """The network of `immune.ishiguro`: roulette, and affinities learnt from what the work brings."""

    Parameters = immune.ishiguro.Params

    def __init__(self, mission: Mission) -> None:
        self.params = parameters(mission, "ishiguro", immune.ishiguro.Params)
        self.seed, self.dt = mission.seed, mission.tick
        self.ticks = max(1, round(self.params.hold / mission.tick))

    def start(self, lanes: int) -> immune.ishiguro.Network:
        """Networks that have learnt nothing."""
        return immune.ishiguro.start((lanes,), 2)

    def step(self, state: immune.ishiguro.Network, scene: Scene) -> tuple[immune.ishiguro.Network, Verdict]:
        """One step; the wheel turns where it is due, for each robot at its own time."""
        present = scene.memory["strategy"].astype(int)
        state = immune.ishiguro.learn(state, present, scene.reward, self.params, self.dt)
        state = immune.ishiguro.step(state, scene.antigen, self.params, self.dt)
        drawn = uniform(self.seed, scene.ids, scene.tick, _PURPOSE, 0)
        due = (scene.tick + scene.ids) % self.ticks == 0
        return state, Verdict(np.where(due, immune.ishiguro.roulette(state, drawn), present), state.A, state.a)


@arbiter("farmer")
class Farmer:
    """The network of `immune.farmer`: several antibodies a strategy, the weak replaced by mutants of the strong."""

    Parameters = immune.farmer.Params

    def __init__(self, mission: Mission) -> None:
        self.params = parameters(mission, "farmer", immune.farmer.Params)
        self.seed, self.dt = mission.seed, mission.tick

    def start(self, lanes: int) -> tuple[immune.farmer.Network, np.ndarray]:
        """The networks, and the antibodies (L,) elected."""
        return immune.farmer.start((lanes,), 2, self.params), np.zeros(lanes, int)

    def step(
        self, state: tuple[immune.farmer.Network, np.ndarray], scene: Scene
    ) -> tuple[tuple[immune.farmer.Network, np.ndarray], Verdict]:
        """One step of the network and of its metadynamics."""
        network, elected = state
        network = immune.farmer.learn(network, elected, scene.reward, self.params)
        network = immune.farmer.step(network, scene.antigen, self.params, self.dt)
        index = np.arange(network.w[0].size).reshape(network.w.shape[-2:])
        drawn = uniform(self.seed, scene.ids[:, None, None], scene.tick, _PURPOSE, index)
        network = immune.farmer.replace(network, drawn, self.params)
        elected, strategy = immune.farmer.elect(network)
        x = np.stack([network.x[:, i::2].max(-1) for i in range(2)], -1)
        return (network, elected), Verdict(strategy, x, x)


@arbiter("calls")
class Calls:
    """The immune network of `immune.calls`: an antibody for each call, closer rivals suppress beyond need."""

    Parameters = immune.calls.Params

    def __init__(self, mission: Mission) -> None:
        self.params = parameters(mission, "calls", immune.calls.Params)
        self.dt = mission.tick

    def start(self, lanes: int) -> immune.calls.Antibodies:
        """Robots that have heard nothing yet."""
        return immune.calls.start(lanes, MOST)

    def step(self, state: immune.calls.Antibodies, scene: Scene) -> tuple[immune.calls.Antibodies, Verdict]:
        """One step; the antibody of highest stimulus wins."""
        heard = scene.calls
        asked = heard["site"], heard["loudness"], heard["need"], heard["mates"], heard["bids"]
        call, S, s = immune.calls.step(state, *asked, scene.antigen[:, DISPERSE], self.params, self.dt)
        return state, Verdict(np.where(call >= 0, AGGREGATE, DISPERSE), S, s, call, s[:, AGGREGATE])
