"""One household, one plan (一户一策): causes and risks, measures that answer them, and when help may end."""
