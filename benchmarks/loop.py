"""An epoll loop and a socket on it, with as little as there can be between them and the kernel: the load must not be the bottleneck."""

from __future__ import annotations

import heapq
import itertools
import select
import socket
import time
from collections import deque
from collections.abc import Callable

READ_BYTES = 256 * 1024
_READ = select.EPOLLIN
_BOTH = select.EPOLLIN | select.EPOLLOUT


class Loop:
    """Calls whoever has something to read, and timers when they are due. Times are `time.perf_counter()`."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._actions: dict[int, Callable[[int], None]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def watch(self, fd: int, events: int, action: Callable[[int], None]) -> None:
        """Have `action` called with what has happened."""
        self._actions[fd] = action
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Look for other events of it from now on."""
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """To be called before it is closed."""
        self._epoll.unregister(fd)
        del self._actions[fd]

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Call it then. It cannot be cancelled."""
        heapq.heappush(self._timers, (when, next(self._order), action))

    def run(self, seconds: float, done: Callable[[], bool] | None = None) -> bool:
        """For so long, or until it is `done`; whether that came. It is asked after each turn."""
        end = time.perf_counter() + seconds
        while not (done is not None and done()):
            now = time.perf_counter()
            if now >= end:
                return False
            self._turn(now, end)
        return True

    def close(self) -> None:
        self._epoll.close()

    def _turn(self, now: float, end: float) -> None:
        timers = self._timers
        while timers and timers[0][0] <= now:
            heapq.heappop(timers)[2]()
        until = min(end, timers[0][0]) if timers else end
        events = self._epoll.poll(0)
        if not events:
            # epoll waits for whole milliseconds, select for microseconds.
            select.select((self._epoll.fileno(),), (), (), max(0.0, until - time.perf_counter()))
            events = self._epoll.poll(0)
        for fd, happened in events:
            action = self._actions.get(fd)
            if action is not None:
                action(happened)


class Link:
    """A TCP connection that is being made from `source`, one of the loopback's addresses. `received` is called with bytes, `closed` when
    the other side ends it."""

    __slots__ = ("_closed", "_events", "_loop", "_received", "_socket", "_unsent", "is_open")

    def __init__(
        self, loop: Loop, port: int, received: Callable[[bytes], None], closed: Callable[[], None], source: str = "127.0.0.1"
    ) -> None:
        self._loop = loop
        self._received = received
        self._closed = closed
        self._unsent: deque[memoryview] = deque()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        self._socket.bind((source, 0))
        self._socket.connect_ex(("127.0.0.1", port))
        self._events = _BOTH
        self.is_open = True
        loop.watch(self._socket.fileno(), _BOTH, self._act)

    def write(self, *parts: bytes) -> None:
        """Send them, now or as soon as there is room."""
        if not self.is_open:
            return
        if self._unsent or self._events == _BOTH:
            self._unsent.extend(map(memoryview, parts))
            return
        try:
            sent = self._socket.sendmsg(parts)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # the end of it is about to be read
        if sent < sum(map(len, parts)):
            self._keep(parts, sent)

    def close(self) -> None:
        """At once."""
        if self.is_open:
            self.is_open = False
            self._loop.forget(self._socket.fileno())
            self._socket.close()

    def _keep(self, parts: tuple[bytes, ...], sent: int) -> None:
        for part in parts:
            if sent < len(part):
                self._unsent.append(memoryview(part)[sent:])
            sent = max(0, sent - len(part))
        self._look_for(_BOTH)

    def _act(self, happened: int) -> None:
        if happened & ~select.EPOLLOUT:
            self._read()
        if happened & select.EPOLLOUT and self.is_open:
            self._flush()

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self.close()
            self._closed()

    def _flush(self) -> None:
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent[0])
            except BlockingIOError:
                return
            except OSError:
                return  # as above
            if sent < len(self._unsent[0]):
                self._unsent[0] = self._unsent[0][sent:]
                return
            self._unsent.popleft()
        self._look_for(_READ)

    def _look_for(self, events: int) -> None:
        if self._events != events:
            self._events = events
            self._loop.change(self._socket.fileno(), events)


_BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT, which Python 3.11 does not name: the port is chosen at connect, so that there are enough of them."""
