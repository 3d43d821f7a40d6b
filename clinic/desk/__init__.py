"""The staff desk: the clinic's side, in the browser. A process of its own."""
