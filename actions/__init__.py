"""Custom actions, one a file. They take the dialogue in and give events out; the work is
done by ``clinic``."""

from clinic import setup

setup.ready(migrate=True)
