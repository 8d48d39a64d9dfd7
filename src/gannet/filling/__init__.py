"""What recipes share that fill the cells of tables: the duel over cells, and fills by other means."""
