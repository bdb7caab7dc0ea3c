"""What can be done with the graph, one method an intent."""
