"""The service with its faults: five modules, of which four create run records."""
