"""What stays true when calls fail, processes are killed, the power is cut, input is hostile."""
