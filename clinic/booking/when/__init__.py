"""Understanding when a patient wants to come, from the words they type.

    hours = OpeningHours("Mo-Sa 08:00-20:00; PH off", "America/Toronto", "ON")
    understand("next week but not monday", clock.now(), hours).windows

Decision record: docs/decisions/0004-understanding-dates.md.
"""

from clinic.booking.when.understanding import Reading, Understanding, understand

__all__ = ["Reading", "Understanding", "understand"]
