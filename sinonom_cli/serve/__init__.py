"""Local web application: a page on this machine that asks, looks and corrects, and a JSON interface for scripts."""
