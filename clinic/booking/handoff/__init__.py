"""Ways out: how an appointment request leaves the clinic's own database."""
