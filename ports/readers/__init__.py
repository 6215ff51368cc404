"""The reads of the books, one protocol for each kind of reader. Nothing here changes them."""
