"""Learners: who decides the action at a site. The contract, and those that ship, registered by their import."""

from swarm.learners import forgetting, plain, systems, tables
from swarm.learners.contract import Choice, Learner, Lesson, Moment, Readable
from swarm.learners.systems import Xcs

__all__ = ["Choice", "Learner", "Lesson", "Moment", "Readable", "Xcs", "forgetting", "plain", "systems", "tables"]
