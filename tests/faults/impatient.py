"""The service's own worker in a hurry, so that tests need not wait as long as real clients may."""

from shelfwise.worker import PacedSocket, Worker

PATIENCE = 0.6
SLOWEST = 100_000
FAREWELL = 0.2


class ImpatientSocket(PacedSocket):
    patience = PATIENCE
    slowest = SLOWEST


class ImpatientWorker(Worker):
    socket_class = ImpatientSocket
    head_patience = PATIENCE
    farewell = FAREWELL
