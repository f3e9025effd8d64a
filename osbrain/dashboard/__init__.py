"""The page in the browser: who runs, who talks to whom, how fast, what fails, and buttons to do something about it.

No agent knows that it exists: whatever it shows was asked of the name server and of the agents, while somebody looks.
"""
