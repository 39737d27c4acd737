"""The swarm: the mind of a robot, the messages between robots, the processes, the command line."""
