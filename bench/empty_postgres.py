"""Make the benchmark's PostgreSQL database anew: ``python bench/empty_postgres.py postgresql://…``."""

from __future__ import annotations

import sys

import psycopg
from psycopg import sql


def main() -> None:
    server, _, name = sys.argv[1].rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


if __name__ == "__main__":
    main()
