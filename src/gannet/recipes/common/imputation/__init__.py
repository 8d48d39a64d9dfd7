"""What recipes share that fill cells of tables: the duel over cells, and other ways to fill."""
