"""The pages that are designed by hand: each reads what it shows and returns a view."""
