"""What converting a pair of models to a precision costs and brings, against FP32 and against AUTO."""
