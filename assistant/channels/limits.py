"""How often something may happen, and how many may be connected. Counted in this process."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque

# So many different conversations or addresses are remembered; the oldest is forgotten first.
_REMEMBERED = 20_000


class Rate:
    """At most ``limit`` events in any ``seconds`` for each key."""

    def __init__(self, limit: int, seconds: float = 60.0) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Returns the seconds until an event would be allowed, 0.0 when it is now.

        ``now`` is a time in seconds, of the same clock for all. What happened before all that is
        remembered is allowed.
        """
        times = self._times.get(key)
        if times is None or len(times) < self._limit or now < times[0]:
            return 0.0
        return max(0.0, times[0] + self._seconds - now)

    def count(self, key: str, now: float) -> None:
        """Notes that an event took place."""
        times = self._times.setdefault(key, deque(maxlen=self._limit))
        if not times or times[-1] <= now:
            times.append(now)
        else:
            kept = sorted((*times, now))[-self._limit :]
            times.clear()
            times.extend(kept)
        self._times.move_to_end(key)
        while len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)


class Quiet:
    """What was said to somebody need not be said again until a moment."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def holds(self, key: str, now: float) -> bool:
        """Whether nothing need be said yet at a moment, in seconds of the same clock for all."""
        return now < self._until.get(key, now)

    def begin(self, key: str, until: float) -> None:
        """It was said, and holds until then."""
        self._until[key] = until
        self._until.move_to_end(key)
        while len(self._until) > _REMEMBERED:
            self._until.popitem(last=False)


class Places:
    """How many are connected, in all and from one address."""

    def __init__(self, most: int, most_from_one: int) -> None:
        self._most = most
        self._most_from_one = most_from_one
        self._taken: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Takes a place, or returns False when there is none."""
        if self._taken.total() >= self._most or self._taken[address] >= self._most_from_one:
            return False
        self._taken[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Gives a place back."""
        self._taken[address] -= 1
        if self._taken[address] <= 0:
            del self._taken[address]
