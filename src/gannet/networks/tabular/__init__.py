"""Networks of table rows, whose fields are drawn one by one."""
