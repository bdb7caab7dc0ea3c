"""What the processes of this service are made of.

`base` is what all share, `serving` and `working` are the two processes, the others one part each, wired from the base.
"""
