"""What the clinic keeps: its facts, appointment requests, messages and feedback."""
