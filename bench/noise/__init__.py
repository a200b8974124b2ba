"""Noises by spec: loading, drawing, compatibility with data sets, export and identification reports."""
