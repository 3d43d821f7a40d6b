"""Who at the clinic looked at or changed what, and when. Nothing in it is ever changed."""
