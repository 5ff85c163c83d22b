"""Which layers of a model cost accuracy or time when it is quantised."""
