"""What starts by itself: schedules, signed webhooks, and the tick that does all that is due."""
