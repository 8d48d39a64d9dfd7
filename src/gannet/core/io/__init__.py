"""Files written whole or not at all, flat files of rows, reading ahead."""
