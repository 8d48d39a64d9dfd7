"""How cells are written as text: numbers, dates and times of day, durations."""
