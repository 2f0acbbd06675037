"""The door of notebooks: the magic, what records show inline, and the picker."""
