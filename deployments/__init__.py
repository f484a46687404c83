"""How the flows are deployed: on a schedule, on request, after one another; and who is told when something is wrong."""
