"""The commands of `bench`, a module each. They parse options and print; the work is elsewhere."""
