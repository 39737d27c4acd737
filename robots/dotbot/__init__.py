"""DotBots, through the HTTP interface of their host controller."""
