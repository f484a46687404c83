"""Mixpanel's raw export API: its limits, its answers and its failures, up to complete files. Knows no warehouse."""
