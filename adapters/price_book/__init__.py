"""The price book that ships with the hub: where it is kept, and what it is made from."""
