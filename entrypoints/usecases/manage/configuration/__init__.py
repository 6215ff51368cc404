"""The configuration of a hub as one file: written from the books, compared with them, and applied to them.

Its modules:

    document   what such a file may state
    items      the things that a document states, one by one, in a form that can be compared
    present    the document of the books as they are
    compare    what has to change
    steps      how each change is made: by the action that an operator would use
    rehearsal  books in memory, in which all changes are tried before one is made
    actions    applying and exporting, as actions
"""
