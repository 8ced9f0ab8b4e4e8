"""PostgreSQL for the record: one that Altid runs itself (`embedded`), or one that others run (`outside`)."""

from altid.record.postgres.cluster import Cluster, embedded
from altid.record.postgres.error import PostgresError
from altid.record.postgres.folder import default_data
from altid.record.postgres.outside import Outside, outside
from altid.record.postgres.settings import PostgresSettings

__all__ = ["Cluster", "Outside", "PostgresError", "PostgresSettings", "default_data", "embedded", "outside"]
