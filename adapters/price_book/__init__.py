"""The price book that ships with the hub: its files, and how they are made."""
