"""What patients said about the answers they got."""
