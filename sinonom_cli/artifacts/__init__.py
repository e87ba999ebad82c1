"""What lies on disk: image sets, mesh sets, models and indexes, and how they begin, resume and finish."""
