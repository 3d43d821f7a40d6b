"""Appointments: what patients ask for, when the clinic has time, what dates they mean."""
