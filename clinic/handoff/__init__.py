"""Messages patients leave for a person at the clinic."""
