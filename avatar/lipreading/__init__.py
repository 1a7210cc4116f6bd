"""The delay of a film's lips against its sound."""
