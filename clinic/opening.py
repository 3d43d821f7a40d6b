"""Opening hours from texts that somebody may have typed, with a sentence for each mistake.

:class:`clinic.hours.OpeningTimes` is the one reader of the notation and does all the arithmetic,
in UTC. Here it is made from plain values ("--hours" of a command), and its answers are given in the
clinic's zone, with the names of holidays.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clinic.hours import EXAMPLE, PROVINCES, HoursError, OpeningTimes, Span, holidays_of

Interval = tuple[datetime, datetime]


class OpeningHours:
    """Opening hours of one clinic.

    ``spec`` is an OpenStreetMap ``opening_hours`` value ("Mo-Sa 08:00-20:00; PH off"), ``zone`` an
    IANA time zone name, ``province`` the two letters whose statutory holidays ``PH`` means; None
    means the holidays of all of Canada only. Raises ValueError with one sentence that names the
    value and an example.
    """

    def __init__(self, spec: str, zone: str, province: str | None) -> None:
        try:
            self.zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f'The time zone "{zone}" is not known; an example is "America/Toronto".'
            ) from None
        if province is not None and province not in PROVINCES:
            raise ValueError(
                f'The province "{province}" is not one of {", ".join(PROVINCES)}; '
                'an example is "ON".'
            )
        try:
            # Without a province the holidays package gives the national days.
            self._times = OpeningTimes(spec, self.zone, province or "")
        except HoursError as error:
            raise ValueError(
                f'The opening hours "{spec}" cannot be used: {error}; an example is "{EXAMPLE}".'
            ) from None
        self.spec = spec
        self.province = province

    def on(self, day: date) -> tuple[Span, ...]:
        """Open stretches of one local day in minutes after midnight (0 to 1440), in order."""
        return self._times.on(day)

    def holiday(self, day: date) -> str | None:
        """The name of the statutory holiday on ``day``, or None."""
        if day not in holidays_of(self.province or "", day.year):
            return None
        return _holiday_names(self.province or "", day.year)[day]

    def intervals(self, start: datetime, end: datetime) -> list[Interval]:
        """Open stretches between two aware moments, clipped to both, in the clinic's zone.

        Stretches that meet at midnight are joined. Empty when ``end`` is not after ``start``.
        Raises ValueError for a datetime without a time zone.
        """
        if start.tzinfo is None or end.tzinfo is None:
            raise ValueError("intervals() needs datetimes with a time zone.")
        found = self._times.stretches(start, end)
        return [(a.astimezone(self.zone), b.astimezone(self.zone)) for a, b in found]

    def moment(self, day: date, minute: int) -> datetime:
        """The instant, in UTC, when the clinic's clock shows ``minute`` on ``day``.

        As :meth:`clinic.hours.OpeningTimes.moment`.
        """
        return self._times.moment(day, minute)


@lru_cache(maxsize=64)
def _holiday_names(province: str, year: int) -> dict[date, str]:
    # Imported here, as in clinic.hours: it takes a fifth of a second and few processes ask.
    from holidays.countries.canada import Canada

    return dict(Canada(subdiv=province or None, years=year))
