"""What kapp decides: the record of an app, labels, differences, order, when something is done, what to print.

Nothing here talks to a cluster: resources come as plain objects and leave as new ones.
"""
