"""Data as users have them: layouts on disk -> one ``Source``. ``find`` recognises which it is."""
