"""A lean reader: reading statements over Bolt with as little work per row as Python allows.

It knows one conversation (log in, RUN and PULL everything, RESET) and plain values. Whatever else
it meets it hands to the official driver, which also does all writing and routing.
"""
