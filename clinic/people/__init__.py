"""Who works at the staff desk: logging in, roles, invitations."""
