"""What a robot's body is: what it senses, what it can be told, and its limits."""
