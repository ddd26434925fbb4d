"""What labels are and where things go on them. Pure: no database, no clock."""
