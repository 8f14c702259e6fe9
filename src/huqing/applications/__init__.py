"""What villagers apply for themselves: a page without an account, a receipt, and the way to a case."""
