"""Monte-Carlo renders with Mitsuba 3: scenes built in code, and pairs of a noisy render and a reference."""
