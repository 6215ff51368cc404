"""AIGNE Hub's contract, row by row: its routes and shapes, and that its defects are absent."""
