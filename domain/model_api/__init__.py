"""What is asked and answered, in no vendor's dialect."""
