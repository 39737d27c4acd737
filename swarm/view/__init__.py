"""What people see of a run: live, again, in pictures and pages."""
