"""A page becomes text: its characters are found, put in order, named in context, and looked up among carvings."""
