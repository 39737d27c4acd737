"""Sockets that connect and listen, ZeroMQ's SUB: how they notice a line that is dead."""

import zmq

#: No ZMTP heartbeats: where one ends a connection while the queue is full, libzmq (4.3.5, #3937) aborts the process
#: once the queue is read. TCP asks by itself, and its verdict waits until there is room.
KEEPALIVE = {
    zmq.TCP_KEEPALIVE: 1,
    zmq.TCP_KEEPALIVE_IDLE: 1,  # s
    zmq.TCP_KEEPALIVE_INTVL: 1,
    zmq.TCP_KEEPALIVE_CNT: 3,
}
