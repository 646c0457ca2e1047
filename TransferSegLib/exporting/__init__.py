"""What a model weighs on a machine, and bringing it out of the library: its size card, other runtimes."""
