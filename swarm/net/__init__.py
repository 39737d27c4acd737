"""The radio between robots: keys, a socket edge, and a core of policy without sockets and clocks."""
