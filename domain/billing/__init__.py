"""The money of one call: plan, meter, settle, and what follows."""
